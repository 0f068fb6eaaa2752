import { expect, test } from 'vitest';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import { BROKEN_STORES } from './broken-stores.ts';
import { recordWindows } from './record-windows.ts';
import { StoreSubject } from './store-subject.ts';
import type { Subject } from './workload.ts';

const LOAD = { clients: 12, keys: ['a', 'b', 'c', 'd'], operations: 10_000, windowOperations: 2_000, seed: 1 };

test('A history in windows counts the operations of all of them', async () => {
  const openWindow = async () => [new StoreSubject(new MemoryMetastore({ nowMs: () => 0 }))];
  const history = await recordWindows({ ...LOAD, openWindow });
  expect(history).toMatchObject({ windows: 5, inDoubt: 0, verdict: { kind: 'linearizable' } });
  expect(history.entries).toBeGreaterThan(LOAD.operations);
  expect(history.conditional).toBeGreaterThan(LOAD.operations / 4);
});

test('A history in windows ends with the first that is not linearizable', async () => {
  const openWindow = async (index: number) => {
    const store = new MemoryMetastore({ nowMs: () => 0 });
    return [new StoreSubject(index === 1 ? (BROKEN_STORES['loses a sync']?.(store) ?? store) : store)];
  };
  const { windows, verdict } = await recordWindows({ ...LOAD, openWindow });
  expect(verdict.kind).toBe('violation');
  expect(windows).toBeLessThan(5);
});

test('A window ends before more is in doubt than can be decided', async () => {
  const openWindow = async () => [forgetful(new StoreSubject(new MemoryMetastore({ nowMs: () => 0 })))];
  const { windows, inDoubt, verdict } = await recordWindows({ ...LOAD, operations: 4_000, openWindow });
  expect(verdict).toEqual({ kind: 'linearizable' });
  expect(windows).toBeGreaterThan(10);
  expect(inDoubt).toBeGreaterThan(100);
});

/** Every tenth put is done, and its answer is lost. */
function forgetful(subject: Subject): Subject {
  let puts = 0;
  return {
    get: (key) => subject.get(key),
    delete: (key, expected) => subject.delete(key, expected),
    list: () => subject.list(),
    async put(key, write) {
      const answer = await subject.put(key, write);
      puts += 1;
      return puts % 10 === 0 ? { ...answer, response: { kind: 'in-doubt' } } : answer;
    },
  };
}
