import { describe, expect, test } from 'vitest';
import { runTarget } from './run-target.ts';
import { readAnswers, requireGoodAnswer } from './server/read-answers.ts';
import { readRequests } from './server/read-requests.ts';
import { type ServerTargetOptions, server } from './targets/server.ts';

const SEED = 6;
/** Within how many cases a broken server must be found. */
const CASES_MAX = 1_000;
/** Long enough for a test to see that nothing ends, in milliseconds. */
const FOR_EVER_MS = 3_600_000;

/** Servers with the mistakes that the target is there to find, or what they would let a client hear. */
const BROKEN: readonly (readonly [mistake: string, options: ServerTargetOptions])[] = [
  [
    'an answer is a failure of the server',
    { spoil: (answers) => answers.map((each) => (each.status === 404 ? { ...each, status: 500 } : each)) },
  ],
  ['an answer of several is lost', { spoil: (answers) => (answers.length > 2 ? answers.slice(0, -1) : answers) }],
  ['a request is answered twice', { spoil: (answers) => [...answers, ...answers.slice(-1)] }],
  [
    'two answers come in the wrong order',
    { spoil: ([first, second, ...others]) => (first && second ? [second, first, ...others] : first ? [first] : []) },
  ],
  [
    'an object is another one after a case',
    { spoil: (answers, of) => answers.map((each) => (of === 'kept' ? { ...each, body: 'other' } : each)) },
  ],
  [
    'a body that never comes is waited for',
    { limits: { bodyWindowMs: FOR_EVER_MS, drainTimeoutMs: FOR_EVER_MS }, closeMsMax: 2_000 },
  ],
  ['a head that never ends is waited for', { limits: { headersTimeoutMs: FOR_EVER_MS }, closeMsMax: 2_000 }],
];

describe('the fuzzer of a server finds that', () => {
  test.each(BROKEN)('%s', async (_, options) => {
    const report = await runTarget(server(options), { seed: SEED, casesMax: CASES_MAX, shrinksMax: 3 });
    expect(report.failure).toBeDefined();
    expect(String(report.failure?.error)).not.toContain('after the last case');
  });

  test('a connection stays open after the last case', async () => {
    // Long before the server closes what says nothing.
    const report = await runTarget(server({ leakedCount: 1, settleMsMax: 100 }), { seed: SEED, casesMax: 5 });
    expect(report.failure?.error).toMatchObject({ message: expect.stringContaining('sockets are open') });
  });
});

describe('a second reader of HTTP', () => {
  const get = 'GET /b HTTP/1.1\r\nhost: s3.test\r\n\r\n';
  const put = (headers: string, body: string) => `PUT /b/k HTTP/1.1\r\nhost: s3.test\r\n${headers}\r\n\r\n${body}`;

  test.each([
    ['nothing', '', 0, 'none'],
    ['two requests', get + get, 2, 'none'],
    ['a body of a length', put('content-length: 5', 'hello'), 1, 'none'],
    ['a body in chunks', put('transfer-encoding: chunked', '5\r\nhello\r\n0\r\n\r\n') + get, 2, 'none'],
    ['a head that is cut', get + get.slice(0, 20), 1, 'partial'],
    ['a body that is cut', put('content-length: 6', 'hello'), 0, 'partial'],
    ['chunks that are cut', put('transfer-encoding: chunked', '5\r\nhel'), 0, 'partial'],
    ['chunks that break', put('transfer-encoding: chunked', '5\r\nhello world'), 0, 'doubtful'],
    ['two framings', put('content-length: 5\r\ntransfer-encoding: chunked', 'hello'), 0, 'doubtful'],
    ['two lengths', put('content-length: 5\r\ncontent-length: 5', 'hello'), 0, 'doubtful'],
    ['a folded header', put('x-a: 1\r\n 2', ''), 0, 'doubtful'],
    ['no host', 'GET /b HTTP/1.1\r\n\r\n', 0, 'doubtful'],
    ['what follows the last request', `${put('connection: close', '')}${get}`, 1, 'doubtful'],
  ])('of %s', (_, text, count, rest) => {
    const read = readRequests(text);
    expect([read.requests.length, read.rest]).toEqual([count, rest]);
  });

  test.each([
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['no length', 'HTTP/1.1 200 OK\r\n\r\nhello'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nh'],
    ['a broken header', 'HTTP/1.1 200 OK\r\nX-A 1\r\n\r\n'],
    ['more than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhello\r\n\r\n'],
  ])('refuses an answer with %s', (_, text) => {
    expect(() => readAnswers(text, ['GET'])).toThrow(/^An answer /);
  });

  test('refuses an answer without an id', () => {
    const [answer] = readAnswers('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', ['GET']).answers;
    expect(() => answer && requireGoodAnswer(answer)).toThrow('no id');
  });
});
