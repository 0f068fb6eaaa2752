import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestKeyspace, type TestKeyspace, testContactPoints } from '../../../test/support/cassandra.ts';
import { ReplyProxy } from '../../../test/support/reply-proxy.ts';
import { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import type { KeyspaceOptions } from './cluster.ts';
import { CqlCells } from './cql-cells.ts';
import { CassandraSession, type RequestReport, type SendOptions } from './session.ts';
import { LISTING, REFERENCE } from './tables.ts';

const OPTIONS = { signal: new AbortController().signal };
/** How long connecting may take, and how long a lost cluster may go unnoticed, in milliseconds. */
const CONNECT_MS_MAX = 15_000;
const RECOVERY_MS_MAX = 60_000;
/** More than a session sends at once and lets wait. */
const TOO_MANY = 20_600;
const HOUR_MS = 3_600_000;
const ASK = { query: 'SELECT DISTINCT head FROM s3_reference WHERE store = ? AND subject = ?', params: ['s', 'q'] };

let keyspace: TestKeyspace;
beforeAll(async () => {
  keyspace = await openTestKeyspace();
});
afterAll(() => keyspace[Symbol.asyncDispose]());

async function failureOf(change: Partial<KeyspaceOptions>): Promise<string> {
  const startedAt = performance.now();
  const failure: unknown = await CassandraSession.connect({ ...keyspace.options, ...change }).catch(
    (error: unknown) => error,
  );
  expect(performance.now() - startedAt).toBeLessThan(CONNECT_MS_MAX);
  expect(failure).toMatchObject({ name: 'StoreError', kind: 'unavailable' });
  return failure instanceof Error ? failure.message : '';
}

function reading(signal = OPTIONS.signal): SendOptions {
  return { table: REFERENCE.name, operation: 'read', level: 'read', signal };
}

describe('connecting fails soon, with a sentence that says what to do', () => {
  test.each<[what: string, change: Partial<KeyspaceOptions>, message: RegExp]>([
    [
      'where nobody listens',
      { contactPoints: ['127.0.0.1:1'] },
      /^Cassandra at 127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED.* Check that it runs, the contact points, and TLS\.$/,
    ],
    [
      'where the name is nobody’s',
      { contactPoints: ['nowhere.invalid'] },
      /^Cassandra at nowhere\.invalid cannot be reached: .* Check that it runs, the contact points, and TLS\.$/,
    ],
    [
      'where TLS meets a node without it',
      { tls: { verify: false } },
      /^Cassandra at .* cannot be reached: .* Check that it runs, the contact points, and TLS\.$/,
    ],
    [
      'where a file of TLS is not there',
      { tls: { ca: '/nowhere/ca.pem', verify: true } },
      /^A file of the TLS settings cannot be read: ENOENT.*\/nowhere\/ca\.pem/,
    ],
    [
      'where there is no keyspace',
      { keyspace: 'nowhere' },
      /^Keyspace 'nowhere' does not exist at .*\. Run `pithos install-schema`\.$/,
    ],
    [
      'where the data centre is none of the cluster',
      { localDataCentre: 'mars' },
      /^The cluster .* has no data centre mars: set local-data-centre to one of \w+\.$/,
    ],
    [
      'where reads need not meet writes',
      { levels: { read: 'ONE', write: 'ANY', serial: 'SERIAL' } },
      /^Keyspace test_\w+: Reads at ONE and writes at ANY need not meet in 1 copy: take QUORUM for both/,
    ],
  ])('%s', async (_, change, message) => {
    expect(await failureOf(change)).toMatch(message);
  });

  test('where somebody listens and says nothing', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const where = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    expect(await failureOf({ contactPoints: [where] })).toMatch(`Cassandra at ${where}`);
    silent.close();
  });
});

test('the clock of the cluster is told apart from that of the process', async () => {
  await using honest = await keyspace.connect();
  expect(Math.abs(honest.clockOffsetMs())).toBeLessThan(5_000);
  const nowMs = (): number => Date.now() - HOUR_MS;
  await using behind = await CassandraSession.connect({ ...keyspace.options, nowMs });
  expect(Math.abs(behind.clockOffsetMs() - HOUR_MS)).toBeLessThan(5_000);
});

test('a session finds out what cluster it talks to', async () => {
  await using session = await keyspace.connect();
  expect(session.facts).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+/) });
  expect(session.facts.nodes.map(({ dataCentre }) => dataCentre)).toContain(session.facts.localDataCentre);
});

test('partitions have their replicas, whatever their key is made of', async () => {
  await using session = await keyspace.connect();
  for (const partition of [['one column'], ['store', 'é', Uint8Array.of(0, 255)], ['store', '', -5]]) {
    expect(session.replicas(partition)).toHaveLength(1);
  }
});

test('each request is reported: its table, what it was, how it ended and how long it took', async () => {
  const reports: RequestReport[] = [];
  await using session = await keyspace.connect({ onRequest: (report) => void reports.push(report) });
  const cells = new CqlCells(session);
  const head = { sequence: 1, value: new Uint8Array() };
  await cells.transact(REFERENCE, ['s', 'x'], { ifSequence: undefined, head }, OPTIONS);
  await cells.write(
    LISTING,
    ['s', 'b', 'r'],
    [{ key: [1, head.value, ''], value: head.value }],
    { timestamp: 1 },
    OPTIONS,
  );
  await cells.readRows(LISTING, ['s', 'b', 'r'], { limit: 1 }, OPTIONS);
  await cells.readHead(REFERENCE, ['s', 'x'], { ...OPTIONS, isSerial: true });
  for await (const _ of cells.scanHeads(REFERENCE, OPTIONS));
  await expect(session.send({ query: 'SELECT nothing FROM nowhere', params: [] }, reading())).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('Run `pithos install-schema`.'),
  });
  expect(reports.map(({ table, operation, outcome }) => `${table} ${operation} ${outcome}`)).toEqual([
    's3_reference transaction ok',
    's3_listing write ok',
    's3_listing read ok',
    's3_reference serial-read ok',
    's3_reference scan ok',
    's3_reference read unavailable',
  ]);
  for (const { durationMs, keyspace: name } of reports) {
    expect(durationMs).toBeGreaterThan(0);
    expect(name).toBe(keyspace.options.keyspace);
  }
});

test('what is refused is not asked again', async () => {
  const reports: RequestReport[] = [];
  await using session = await keyspace.connect({ onRequest: (report) => void reports.push(report) });
  const cells = new CqlCells(session);
  const nowhere = { ...REFERENCE, name: 'nowhere' };
  await expect(cells.readHead(nowhere, ['s', 'x'], OPTIONS)).rejects.toMatchObject({ kind: 'unavailable' });
  const transaction = { ifSequence: 1, head: undefined };
  await expect(cells.transact(nowhere, ['s', 'x'], transaction, OPTIONS)).rejects.toMatchObject({
    kind: 'unavailable',
  });
  expect(reports).toHaveLength(2);
});

test('requests wait for their turn up to a limit, and leave as soon as their signals fire', async () => {
  await using proxy = await ReplyProxy.start(testContactPoints()[0] ?? '');
  await using session = await CassandraSession.connect({ ...keyspace.options, contactPoints: [proxy.address] });
  await session.send(ASK, reading());
  proxy.setFate({ text: ASK.params.join(''), kind: 'silence', times: Number.POSITIVE_INFINITY });
  proxy.setFate({ text: 'q', kind: 'silence', times: Number.POSITIVE_INFINITY });
  const abort = new AbortController();
  const outcomes = new Map<string, number>();
  const all = Array.from({ length: TOO_MANY }, () =>
    session.send(ASK, reading(abort.signal)).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      outcomes.set(text, (outcomes.get(text) ?? 0) + 1);
    }),
  );
  await expect.poll(() => outcomes.size).toBe(1);
  expect([...outcomes]).toEqual([['20000 requests wait for Cassandra: it is overloaded.', TOO_MANY - 20_512]]);
  abort.abort(new Error('enough'));
  const startedAt = performance.now();
  await Promise.all(all);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(outcomes.get('enough')).toBe(20_512);
});

test('calls fail while the cluster is away, within the time of a request, and go on by themselves', async () => {
  await using proxy = await TcpProxy.start(testContactPoints()[0] ?? '');
  const requestTimeoutMs = 3_000;
  const options = { ...keyspace.options, contactPoints: [proxy.address], requestTimeoutMs };
  await using session = await CassandraSession.connect(options);
  const cells = new CqlCells(session);
  const head = { sequence: 1, value: new Uint8Array() };
  const partition = ['s', 'away'];
  await cells.createHead(REFERENCE, partition, head, OPTIONS);
  await proxy.cut();
  // Which first notices that the connection is gone is in doubt about what it sent; those after it have sent nothing.
  await cells.createHead(REFERENCE, partition, head, OPTIONS).catch(() => undefined);
  for (const call of [
    () => cells.readHead(REFERENCE, partition, OPTIONS),
    () => cells.createHead(REFERENCE, partition, head, OPTIONS),
    () => cells.transact(REFERENCE, partition, { ifSequence: 1, head: undefined }, OPTIONS),
  ]) {
    const startedAt = performance.now();
    await expect(call()).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(2 * requestTimeoutMs);
  }
  await proxy.mend();
  const sequence = async (): Promise<number | undefined> =>
    await cells.readHead(REFERENCE, partition, OPTIONS).then(
      (found) => found?.sequence,
      () => undefined,
    );
  await expect.poll(sequence, { timeout: RECOVERY_MS_MAX }).toBe(1);
  expect(await cells.transact(REFERENCE, partition, { ifSequence: 1, head: undefined }, OPTIONS)).toBe('applied');
});
