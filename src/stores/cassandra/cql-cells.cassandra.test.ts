import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestKeyspace, type TestKeyspace, testContactPoints } from '../../../test/support/cassandra.ts';
import { type Fate, ReplyProxy } from '../../../test/support/reply-proxy.ts';
import type { Head, Key, Transaction } from './cells.ts';
import { CqlCells } from './cql-cells.ts';
import { CassandraSession } from './session.ts';
import { REFERENCE } from './tables.ts';

const OPTIONS = { signal: new AbortController().signal };
const SERIAL = { ...OPTIONS, isSerial: true };
/** How long one request may take here, in milliseconds. */
const REQUEST_TIMEOUT_MS = 1_000;

let keyspace: TestKeyspace;
let near: CassandraSession;
beforeAll(async () => {
  keyspace = await openTestKeyspace();
  near = await keyspace.connect();
});
afterAll(async () => {
  await near[Symbol.asyncDispose]();
  await keyspace[Symbol.asyncDispose]();
});

/** Cells whose replies may get lost, and a partition for them. */
interface Lossy extends AsyncDisposable {
  readonly cells: CqlCells;
  readonly proxy: ReplyProxy;
  readonly partition: Key;
  lose(kind: Fate['kind'], more?: { readonly times?: number; readonly meanwhile?: () => Promise<void> }): void;
}

async function openLossy(): Promise<Lossy> {
  const proxy = await ReplyProxy.start(testContactPoints()[0] ?? '');
  const name = randomBytes(8).toString('hex');
  const session = await CassandraSession.connect({
    ...keyspace.options,
    contactPoints: [proxy.address],
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  return {
    cells: new CqlCells(session),
    proxy,
    partition: [name, 'subject'],
    lose: (kind, { times = 1, ...more } = {}) => proxy.setFate({ text: name, kind, times, ...more }),
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

function head(sequence: number, text = ''): Head {
  return { sequence, value: Buffer.from(text) };
}

function transactionOf(ifSequence: number | undefined, next: Head | undefined): Transaction {
  return { ifSequence, head: next, rows: [{ key: ['row'], value: Buffer.from('of the transaction') }] };
}

/** What the cluster has in the end: the head as `4 a`, and the rows. */
async function stateOf(partition: Key): Promise<readonly string[]> {
  const cells = new CqlCells(near);
  const found = await cells.readHead(REFERENCE, partition, SERIAL);
  const rows = await cells.readRows(REFERENCE, partition, { limit: 10 }, OPTIONS);
  return [
    found === undefined ? 'none' : `${found.sequence} ${Buffer.from(found.value)}`,
    ...rows.map(({ key, value }) => `${key[0]}=${Buffer.from(value)}`),
  ];
}

describe('a transaction whose reply is lost', () => {
  test.each<[kind: Fate['kind'], times: number]>([
    ['cut before', 3],
    ['cut after', 3],
    // Each needs four requests until its connection is given up.
    ['silence', 2],
  ])('is applied once: %s', async (kind, times) => {
    await using lossy = await openLossy();
    const { cells, partition, proxy } = lossy;
    lossy.lose(kind);
    expect(await cells.transact(REFERENCE, partition, transactionOf(undefined, head(1, 'a')), OPTIONS)).toBe('applied');
    expect(proxy.left).toBe(0);
    lossy.lose(kind, { times });
    expect(await cells.transact(REFERENCE, partition, transactionOf(1, head(2, 'b')), OPTIONS)).toBe('applied');
    expect(proxy.left).toBe(0);
    expect(await stateOf(partition)).toEqual(['2 b', 'row=of the transaction']);
  });

  test('was overtaken where the next one is there already, whether it was applied or not', async () => {
    const beside = new CqlCells(near);
    for (const kind of ['cut after', 'silence'] as const) {
      await using lossy = await openLossy();
      const { cells, partition } = lossy;
      const overtake = async (): Promise<void> => {
        await beside.transact(REFERENCE, partition, { ifSequence: 1, head: head(2, 'next') }, OPTIONS);
      };
      lossy.lose(kind, { meanwhile: overtake });
      const transacting = cells.transact(REFERENCE, partition, transactionOf(undefined, head(1, 'a')), OPTIONS);
      if (kind === 'silence') {
        await expect.poll(() => stateOf(partition)).toContain('1 a');
        await overtake();
      }
      expect(await transacting).toBe('overtaken');
      expect(await stateOf(partition)).toEqual(['2 next', 'row=of the transaction']);
    }
  });

  test('that took a head away was overtaken, for nobody can tell by whom it was', async () => {
    await using lossy = await openLossy();
    const { cells, partition } = lossy;
    await cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(1) }, OPTIONS);
    lossy.lose('cut after');
    expect(await cells.transact(REFERENCE, partition, transactionOf(1, undefined), OPTIONS)).toBe('overtaken');
    expect(await stateOf(partition)).toEqual(['none', 'row=of the transaction']);
  });

  test('whose head was taken away meanwhile was overtaken, and is not applied again', async () => {
    await using lossy = await openLossy();
    const { cells, partition } = lossy;
    const remove = async (): Promise<void> => {
      const rows = [{ key: ['row'], value: undefined }];
      await new CqlCells(near).transact(REFERENCE, partition, { ifSequence: 1, head: undefined, rows }, OPTIONS);
    };
    await cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(0) }, OPTIONS);
    lossy.lose('cut after', { meanwhile: remove });
    expect(await cells.transact(REFERENCE, partition, transactionOf(0, head(1)), OPTIONS)).toBe('overtaken');
    expect(await stateOf(partition)).toEqual(['none']);
  });

  test('is overtaken too where another was there before it', async () => {
    await using lossy = await openLossy();
    const { cells, partition } = lossy;
    await cells.transact(REFERENCE, partition, { ifSequence: undefined, head: head(7, 'other') }, OPTIONS);
    lossy.lose('cut after');
    expect(await cells.transact(REFERENCE, partition, transactionOf(6, head(8)), OPTIONS)).toBe('overtaken');
    expect(await stateOf(partition)).toEqual(['7 other']);
    expect(await cells.transact(REFERENCE, partition, transactionOf(6, head(8)), OPTIONS)).toBe('refused');
  });

  test('is in doubt where no reply comes in the end', async () => {
    await using lossy = await openLossy();
    const { cells, partition } = lossy;
    lossy.lose('cut after', { times: Number.POSITIVE_INFINITY });
    await expect(
      cells.transact(REFERENCE, partition, transactionOf(undefined, head(1, 'a')), OPTIONS),
    ).rejects.toMatchObject({ name: 'StoreError', kind: 'in-doubt' });
    expect(await stateOf(partition)).toEqual(['1 a', 'row=of the transaction']);
  });
});

describe('a write whose reply is lost', () => {
  test.each<[kind: Fate['kind']]>([['cut before'], ['cut after'], ['silence']])('is written: %s', async (kind) => {
    await using lossy = await openLossy();
    const { cells, partition, proxy } = lossy;
    lossy.lose(kind);
    await cells.write(REFERENCE, partition, [{ key: ['a'], value: Buffer.from('b') }], { timestamp: 1 }, OPTIONS);
    expect(proxy.left).toBe(0);
    expect(await stateOf(partition)).toEqual(['none', 'a=b']);
  });

  test('is in doubt where no reply comes in the end', async () => {
    await using lossy = await openLossy();
    const { cells, partition } = lossy;
    lossy.lose('cut after', { times: Number.POSITIVE_INFINITY });
    await expect(cells.createHead(REFERENCE, partition, head(1), OPTIONS)).rejects.toMatchObject({ kind: 'in-doubt' });
    expect(await stateOf(partition)).toEqual(['1 ']);
  });
});

describe('a read whose reply is lost', () => {
  test.each<[kind: Fate['kind']]>([['cut before'], ['cut after']])('is read again: %s', async (kind) => {
    await using lossy = await openLossy();
    const { cells, partition } = lossy;
    await cells.createHead(REFERENCE, partition, head(1), OPTIONS);
    lossy.lose(kind);
    expect((await cells.readHead(REFERENCE, partition, OPTIONS))?.sequence).toBe(1);
    lossy.lose(kind);
    expect((await cells.readHead(REFERENCE, partition, SERIAL))?.sequence).toBe(1);
  });

  test('is unavailable where no reply comes, and says so in about the time of a request', async () => {
    await using lossy = await openLossy();
    const { cells, partition } = lossy;
    lossy.lose('silence', { times: Number.POSITIVE_INFINITY });
    const startedAt = performance.now();
    await expect(cells.readHead(REFERENCE, partition, OPTIONS)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(4 * REQUEST_TIMEOUT_MS);
  });
});

test('a call that nobody answers ends as soon as its signal fires', async () => {
  await using lossy = await openLossy();
  const { cells, partition } = lossy;
  lossy.lose('silence', { times: Number.POSITIVE_INFINITY });
  for (const call of [
    (options: typeof OPTIONS) => cells.readHead(REFERENCE, partition, options),
    (options: typeof OPTIONS) => cells.createHead(REFERENCE, partition, head(1), options),
    (options: typeof OPTIONS) => cells.transact(REFERENCE, partition, transactionOf(undefined, head(1)), options),
  ]) {
    const abort = new AbortController();
    const calling = call({ signal: abort.signal });
    await new Promise((resolve) => setImmediate(resolve));
    const startedAt = performance.now();
    abort.abort(new Error('enough'));
    await expect(calling).rejects.toThrow('enough');
    expect(performance.now() - startedAt).toBeLessThan(REQUEST_TIMEOUT_MS / 3);
  }
});
