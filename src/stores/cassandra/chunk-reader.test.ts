import { expect, test } from 'vitest';
import { pattern, whole } from '../../../test/contract/blob-steps.ts';
import { collect, newBlobId, OPTIONS } from '../../../test/contract/drafts.ts';
import { CalmCells } from '../../../test/model/calm-cells.ts';
import type { BlobExtent } from '../blobstore.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { Key } from './cells.ts';
import { ChunkBudget } from './chunk-budget.ts';
import { ChunkReader, type CorruptCopy } from './chunk-reader.ts';
import type { ChunkReads, ReplicaCopy } from './chunk-reads.ts';
import { BLOCK_CHUNKS, CHUNK_BYTES, CHUNK_HEADER_BYTES, sealChunk } from './chunks.ts';

const STORE = 'us-east-1/STANDARD';
const READS_MAX = 8;
const BYTES = pattern(1000);

type Copy = 'sound' | 'wrong' | 'missing' | 'away';

const WRONG_AT_1: CorruptCopy = { store: STORE, replica: 'node 1' };
const WRONG_SOMEWHERE: CorruptCopy = { store: STORE, replica: undefined };

test.each<
  [nearest: Copy, replicas: readonly Copy[], agreed: Copy, outcome: 'read' | StoreError['kind'], CorruptCopy[]]
>([
  ['sound', ['wrong', 'wrong', 'wrong'], 'wrong', 'read', []],
  ['wrong', ['sound', 'wrong', 'wrong'], 'wrong', 'read', [WRONG_SOMEWHERE]],
  ['wrong', ['missing', 'wrong', 'sound'], 'wrong', 'read', [WRONG_AT_1]],
  ['missing', ['missing', 'away', 'sound'], 'missing', 'read', []],
  ['away', ['away', 'sound', 'away'], 'missing', 'read', []],
  ['wrong', [], 'sound', 'read', [WRONG_SOMEWHERE]],
  ['away', ['away', 'away', 'away'], 'sound', 'read', []],
  ['away', ['away', 'away', 'away'], 'away', 'unavailable', []],
  ['wrong', ['missing', 'wrong', 'away'], 'wrong', 'unavailable', [WRONG_AT_1]],
  ['wrong', ['missing', 'wrong', 'missing'], 'wrong', 'corrupt', [WRONG_AT_1]],
  ['missing', ['missing', 'missing', 'away'], 'missing', 'corrupt', []],
])('nearest %s, replicas %j, agreed %s: %s', async (nearest, replicas, agreed, outcome, told) => {
  const blob = { id: newBlobId(), sizeBytes: BYTES.length };
  const seen: CorruptCopy[] = [];
  const cells = new OneRow(rowOf(blob, agreed), { isAway: agreed === 'away' });
  const chunkReads = new Copies(blob, nearest, replicas);
  const reader = new ChunkReader({
    cells,
    chunkReads,
    store: STORE,
    onCorruptChunk: (copy) => seen.push(copy),
    budget: new ChunkBudget(10),
  });
  const reading = collect(reader.read(blob, whole(blob), OPTIONS));
  if (outcome === 'read') expect(Buffer.concat(await reading).equals(BYTES)).toBe(true);
  else await expect(reading).rejects.toMatchObject({ name: 'StoreError', kind: outcome });
  expect(seen).toEqual(told);
});

test('a reading is at most eight chunks ahead, and gives their room back when it is left', async () => {
  const reads = new CountedReads();
  const budget = new ChunkBudget(READS_MAX);
  const reader = readerOf(reads, budget);
  const blob = { id: newBlobId(), sizeBytes: 100 * CHUNK_BYTES };
  reads.blob = blob;
  for await (const _ of reader.read(blob, whole(blob), OPTIONS)) break;
  expect(reads.count).toBe(READS_MAX);
  for (let room = 0; room < READS_MAX; room++) expect(budget.tryTake()).toBe(true);
});

test('readings share the room for what is ahead, and each of them goes on without any', async () => {
  const reads = new CountedReads();
  const reader = readerOf(reads, new ChunkBudget(3));
  const blob = { id: newBlobId(), sizeBytes: 20 * CHUNK_BYTES };
  reads.blob = blob;
  const readings = Array.from({ length: 5 }, () => reader.read(blob, whole(blob), OPTIONS)[Symbol.asyncIterator]());
  for (const reading of readings) await reading.next();
  expect(reads.count).toBe(5 + 3);
  for (const reading of readings) expect(await collect(rest(reading))).toHaveLength(19);
});

test('a small range reads no chunk that it has nothing of', async () => {
  const reads = new CountedReads();
  const blob = { id: newBlobId(), sizeBytes: 20 * CHUNK_BYTES };
  reads.blob = blob;
  const range = { offsetBytes: 2 * CHUNK_BYTES - 1, lengthBytes: 2 };
  const read = await collect(readerOf(reads, new ChunkBudget(10)).read(blob, range, OPTIONS));
  expect(read.map((bytes) => bytes.length)).toEqual([1, 1]);
  expect(reads.count).toBe(2);
});

function readerOf(chunkReads: ChunkReads, budget: ChunkBudget): ChunkReader {
  const cells = new CalmCells({ nowMs: () => 0 });
  return new ChunkReader({ cells, chunkReads, store: STORE, onCorruptChunk: () => undefined, budget });
}

async function* rest(iterator: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

function rowOf(blob: BlobExtent, copy: Copy): Buffer | undefined {
  if (copy !== 'sound' && copy !== 'wrong') return undefined;
  const row = Buffer.concat([Buffer.alloc(CHUNK_HEADER_BYTES), BYTES]);
  sealChunk({ id: blob.id, index: 0 }, row);
  if (copy === 'wrong') row[500] = (row[500] ?? 0) ^ 1;
  return row;
}

/** Replicas that have different copies of one chunk. */
class Copies implements ChunkReads {
  readonly #blob: BlobExtent;
  readonly #nearest: Copy;
  readonly #replicas: readonly Copy[];

  constructor(blob: BlobExtent, nearest: Copy, replicas: readonly Copy[]) {
    this.#blob = blob;
    this.#nearest = nearest;
    this.#replicas = replicas;
  }

  async readNearest(): Promise<Uint8Array | undefined> {
    if (this.#nearest === 'away') throw new StoreError('unavailable', 'It is away.');
    return rowOf(this.#blob, this.#nearest);
  }

  async *readEach(): AsyncGenerator<ReplicaCopy> {
    for (const [index, copy] of this.#replicas.entries()) {
      const replica = `node ${index}`;
      if (copy === 'away') yield { kind: 'unread', replica };
      else yield { kind: 'read', replica, value: rowOf(this.#blob, copy) };
    }
  }

  async countChunks(): Promise<number> {
    return 1;
  }
}

/** What the replicas agree on. */
class OneRow extends CalmCells {
  readonly #isAway: boolean;

  readonly #row: Buffer | undefined;

  constructor(row: Buffer | undefined, { isAway }: { readonly isAway: boolean }) {
    super({ nowMs: () => 0 });
    this.#isAway = isAway;
    this.#row = row;
  }

  override async readRows(): Promise<readonly { key: Key; value: Uint8Array; timestamp: number }[]> {
    if (this.#isAway) throw new StoreError('unavailable', 'They are away.');
    return this.#row === undefined ? [] : [{ key: [0], value: this.#row, timestamp: 0 }];
  }
}

/** Replicas that have every chunk. */
class CountedReads implements ChunkReads {
  count = 0;
  blob: BlobExtent | undefined;

  async readNearest(partition: Key, key: Key, { signal }: CallOptions): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    this.count++;
    const { blob } = this;
    if (blob === undefined) return undefined;
    const row = Buffer.alloc(CHUNK_HEADER_BYTES + CHUNK_BYTES);
    sealChunk({ id: blob.id, index: Number(partition[2]) * BLOCK_CHUNKS + Number(key[0]) }, row);
    return row;
  }

  async *readEach(): AsyncGenerator<ReplicaCopy> {
    // None is asked.
  }

  async countChunks(): Promise<number> {
    return BLOCK_CHUNKS;
  }
}
