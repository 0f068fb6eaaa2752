import { describe, expect, test } from 'vitest';
import { Secret } from '../domain/secret.ts';
import { createLog, type LogOptions } from './log.ts';

describe('a line for machines', () => {
  test('is one JSON object with level, time and fields', () => {
    const [line] = write({ format: 'json' }, { requestId: 'R1', status: 200 }, 'request');
    expect(JSON.parse(line ?? '')).toMatchObject({
      level: 'info',
      msg: 'request',
      requestId: 'R1',
      status: 200,
      pid: process.pid,
    });
    expect(JSON.parse(line ?? '').time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test('is one line, whatever stands in a field', () => {
    const [line, ...others] = write({ format: 'json' }, { key: 'a\nlevel=error\r\u2028b' }, 'request');
    expect(others).toEqual([]);
    expect(line?.trimEnd()).not.toMatch(/[\r\n]/);
  });

  test('never holds a secret', () => {
    const secret = new Secret('do not print');
    const [line] = write(
      { format: 'json' },
      { secret, err: new Error('failed', { cause: { secret } }), nested: { secret } },
      'x',
    );
    expect(line).not.toContain('do not print');
    expect(line).toContain('***');
  });
});

describe('a line for people', () => {
  test('has the time of day, the level, the sentence and the fields', () => {
    const [line] = write({ format: 'pretty' }, { requestId: 'R1', key: 'a b', status: 200 }, 'request');
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}request requestId=R1 key="a b" status=200\n$/);
  });

  test('shows control characters, escapes of terminals and turned text as what they are', () => {
    const [line] = write({ format: 'pretty' }, { key: 'a\n\u001b[31m\u009b\u007f\u202eb' }, 'x\u001b[2J');
    expect(line).toContain('key="a\\n\\u001b[31m\\u009b\\u007f\\u202eb"');
    expect(line).toContain('x\\u001b[2J');
    expect(line?.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  test('is followed by the stack of an error', () => {
    const [line] = write({ format: 'pretty' }, { err: new Error('broken') }, 'request failed');
    expect(line).toMatch(/request failed\n {2}Error: broken\n {6}at /);
  });
});

test('lines below the level are not written', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'warn', format: 'json', destination: { write: (line) => lines.push(line) } });
  log.info({}, 'quiet');
  log.warn({}, 'loud');
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['loud']);
  expect([log.isLevelEnabled('info'), log.isLevelEnabled('error')]).toEqual([false, true]);
});

function write(options: Pick<LogOptions, 'format'>, fields: Record<string, unknown>, message: string): string[] {
  const lines: string[] = [];
  const log = createLog({ level: 'info', ...options, destination: { write: (line) => lines.push(line) } });
  log.info(fields, message);
  return lines;
}
