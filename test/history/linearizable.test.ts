import { describe, expect, test } from 'vitest';
import { ABSENT, type HistoryEntry, type Request, type Response } from './history.ts';
import { checkHistory } from './linearizable.ts';

const done: Response = { kind: 'done' };
const refused: Response = { kind: 'refused' };
const inDoubt: Response = { kind: 'in-doubt' };
const put = (value: string): Request => ({ kind: 'put', value });
const putIfAbsent = (value: string): Request => ({ kind: 'put', value, expected: { kind: 'absent' } });
const putIfMatch = (old: string, value: string): Request => ({
  kind: 'put',
  value,
  expected: { kind: 'match', value: old },
});
const get: Request = { kind: 'get' };
const sees = (value: string): Response => ({ kind: 'value', value });

function entry(beganAt: number, endedAt: number, request: Request, response: Response, key = 'k'): HistoryEntry {
  return { client: beganAt, key, request, response, beganAt, endedAt };
}

const LINEARIZABLE: Record<string, HistoryEntry[]> = {
  'reads follow writes': [entry(0, 1, put('a'), done), entry(2, 3, get, sees('a'))],
  'a read beside a write may see either': [
    entry(0, 10, put('a'), done),
    entry(1, 2, get, sees('a')),
    entry(3, 4, get, sees('a')),
  ],
  'one of two claims wins': [entry(0, 9, putIfAbsent('a'), done), entry(1, 8, putIfAbsent('b'), refused)],
  'a write in doubt may take effect late': [
    entry(0, 1, put('a'), inDoubt),
    entry(2, 3, get, sees(ABSENT)),
    entry(4, 5, get, sees('a')),
  ],
  'a write in doubt may never take effect': [entry(0, 1, put('a'), inDoubt), entry(2, 3, get, sees(ABSENT))],
  'a compare and swap chain': [
    entry(0, 1, put('a'), done),
    entry(2, 9, putIfMatch('a', 'b'), done),
    entry(3, 8, putIfMatch('a', 'c'), refused),
    entry(10, 11, get, sees('b')),
  ],
  'keys are apart': [entry(0, 1, put('a'), done), entry(2, 3, get, sees(ABSENT), 'other')],
};

const VIOLATIONS: Record<string, HistoryEntry[]> = {
  'a lost write': [entry(0, 1, put('a'), done), entry(2, 3, get, sees(ABSENT))],
  'a stale read': [entry(0, 1, put('a'), done), entry(2, 3, put('b'), done), entry(4, 5, get, sees('a'))],
  'a read that goes back': [entry(0, 10, put('a'), done), entry(1, 2, get, sees('a')), entry(3, 4, get, sees(ABSENT))],
  'two claims that both win': [entry(0, 9, putIfAbsent('a'), done), entry(1, 8, putIfAbsent('b'), done)],
  'a claim refused although nothing stood there': [entry(0, 1, putIfAbsent('a'), refused)],
  'two swaps of the same value': [
    entry(0, 1, put('a'), done),
    entry(2, 9, putIfMatch('a', 'b'), done),
    entry(3, 8, putIfMatch('a', 'c'), done),
  ],
  'a deleted object that comes back': [
    entry(0, 1, put('a'), done),
    entry(2, 3, { kind: 'delete' }, done),
    entry(4, 5, get, sees('a')),
  ],
  'a value nobody wrote': [entry(0, 1, put('a'), done), entry(2, 3, get, sees('z'))],
};

describe('The checker of histories', () => {
  test.each(Object.entries(LINEARIZABLE))('accepts: %s', (_name, entries) => {
    expect(checkHistory(entries)).toEqual({ kind: 'linearizable' });
  });

  test.each(Object.entries(VIOLATIONS))('refuses: %s', (_name, entries) => {
    expect(checkHistory(entries).kind).toBe('violation');
  });

  test('decides 20,000 operations of 16 clients on one key', () => {
    const entries: HistoryEntry[] = [];
    let state = ABSENT;
    for (let index = 0; index < 20_000; index += 1) {
      const at = index * 10;
      const early = at - (index % 16) * 9;
      if (index % 3 === 0) {
        state = `v${index}`;
        entries.push(entry(early, at + 5, put(state), done));
      } else {
        entries.push(entry(early, at + 5 + (index % 7) * 11, get, sees(state)));
      }
    }
    expect(checkHistory(entries)).toEqual({ kind: 'linearizable' });
  });
});
