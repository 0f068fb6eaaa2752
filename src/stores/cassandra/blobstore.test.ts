import { expect, test } from 'vitest';
import { listIds, pattern, readAll, streamOf, whole, writeBlob } from '../../../test/contract/blob-steps.ts';
import { collect, newBlobId, OPTIONS } from '../../../test/contract/drafts.ts';
import { CalmCells } from '../../../test/model/calm-cells.ts';
import type { BlobId } from '../../domain/names.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { reservedBlocks } from './blob-header.ts';
import { CassandraBlobstore } from './blobstore.ts';
import type { Key, RowChange, Table } from './cells.ts';
import { CellChunkReads } from './chunk-reads.ts';
import { BLOCK_BYTES, BLOCK_CHUNKS, CHUNK_BYTES, CHUNK_HEADER_BYTES, openChunk, sealChunk } from './chunks.ts';
import { BLOB, BLOCK } from './tables.ts';

const STORE = 'us-east-1/STANDARD';
const WRITES_MAX = 16;
/** More than the blocks that are reserved at first. */
const LONG_BYTES = reservedBlocks(1) * BLOCK_BYTES + 2 * CHUNK_BYTES + 5;
const LOST = new StoreError('unavailable', 'The cluster is away.');

test('a chunk opens as what was sealed, where it was sealed', () => {
  const { id, index, row } = sealed();
  expect(Buffer.from(pattern(100)).equals(openChunk({ id, index }, row, 100) ?? Buffer.alloc(0))).toBe(true);
});

test.each([
  ['its format', 0],
  ['the first byte of its checksum', 1],
  ['the last byte of its checksum', 4],
  ['its first byte', CHUNK_HEADER_BYTES],
  ['its last byte', CHUNK_HEADER_BYTES + 99],
])('a chunk with a wrong bit in %s does not open', (_, position) => {
  const { id, index, row } = sealed();
  row[position] = (row[position] ?? 0) ^ 4;
  expect(openChunk({ id, index }, row, 100)).toBeUndefined();
});

test('a chunk does not open as one of another blob, of another place, or of another length', () => {
  const { id, index, row } = sealed();
  expect(openChunk({ id: newBlobId(), index }, row, 100)).toBeUndefined();
  expect(openChunk({ id, index: index + 1 }, row, 100)).toBeUndefined();
  expect(openChunk({ id, index: index + BLOCK_CHUNKS }, row, 100)).toBeUndefined();
  expect(openChunk({ id, index }, row, 99)).toBeUndefined();
  expect(openChunk({ id, index }, row.subarray(0, 50), 100)).toBeUndefined();
  expect(openChunk({ id, index }, row.subarray(0, 0), 100)).toBeUndefined();
});

test.each([
  ['of no byte', 0, ['header']],
  ['of one byte', 1, ['header', 'chunk 0']],
  ['of one full chunk', CHUNK_BYTES, ['header', 'chunk 0']],
  ['of two chunks', CHUNK_BYTES + 1, ['header', 'chunk 0', 'header', 'chunk 1']],
])('a blob %s is written in no more steps than it needs', async (_, sizeBytes, steps) => {
  const cells = new WatchedCells();
  await writeBlob(storeOn(cells), pattern(sizeBytes), 100_000);
  expect(cells.sent).toEqual(steps);
});

test('a body is pulled no further than sixteen chunks on their way and the one that fills', async () => {
  const cells = new WatchedCells();
  const held = cells.holdChunks();
  let pulled = 0;
  async function* body(): AsyncIterable<Uint8Array> {
    for (; pulled < 64; pulled++) yield pattern(CHUNK_BYTES);
  }
  const writing = storeOn(cells).write(newBlobId(), body(), OPTIONS);
  await settled();
  expect(cells.chunksOnTheirWay).toBe(WRITES_MAX);
  expect(pulled).toBeLessThanOrEqual(WRITES_MAX + 2);
  held.resolve();
  expect(await writing).toEqual({ sizeBytes: 64 * CHUNK_BYTES });
  expect(cells.chunksOnTheirWayMost).toBe(WRITES_MAX);
});

test('a chunk is sent only when a header that covers its block has been acknowledged', async () => {
  const cells = new WatchedCells();
  await writeBlob(storeOn(cells), pattern(LONG_BYTES), CHUNK_BYTES);
  expect(cells.uncovered).toEqual([]);
  expect(cells.sent.filter((step) => step.startsWith('chunk'))).toHaveLength(Math.ceil(LONG_BYTES / CHUNK_BYTES));
});

test('wherever a writer dies, list shows a blob that has bytes, and one delete takes all of them away', async () => {
  const piece = pattern(CHUNK_BYTES);
  for (let writes = 0; ; writes++) {
    const cells = new WatchedCells();
    const store = storeOn(cells);
    cells.failAfter(writes);
    const id = newBlobId();
    const pieces = [...Array(Math.floor(LONG_BYTES / CHUNK_BYTES)).fill(piece), pattern(5)];
    const outcome = await store.write(id, streamOf(pieces), OPTIONS).catch((error: unknown) => error);
    cells.failAfter(Number.POSITIVE_INFINITY);
    if (outcome !== LOST) break;
    expect(await listIds(store)).toEqual(writes === 0 ? [] : [id]);
    // Fsck tells of what belongs to nothing, unless it is missing.
    if (writes > 0) expect(await store.verify({ id, sizeBytes: 1 }, { deep: false }, OPTIONS)).toBe('corrupt');
    await store.delete(id, OPTIONS);
    expect(await listIds(store)).toEqual([]);
    expect(await collect(cells.scanRows(BLOCK, OPTIONS))).toEqual([]);
  }
});

test.each([0, 1, 63, 64, 65, 80, 128, 129, 256])(
  'a writer that goes on although its blob was deleted after %i chunks leaves nothing that list and delete do not find',
  async (deletedAfter) => {
    const cells = new WatchedCells();
    const store = storeOn(cells);
    const id = newBlobId();
    const bytes = new Uint8Array(CHUNK_BYTES);
    async function* body(): AsyncIterable<Uint8Array> {
      for (let index = 0; index <= reservedBlocks(3) * BLOCK_CHUNKS; index++) {
        if (index === deletedAfter) await store.delete(id, OPTIONS);
        yield bytes;
      }
    }
    await store.write(id, body(), OPTIONS);
    const listed = await listIds(store);
    if ((await collect(cells.scanRows(BLOCK, OPTIONS))).length > 0) expect(listed).toEqual([id]);
    await store.delete(id, OPTIONS);
    expect(await listIds(store)).toEqual([]);
    expect(await collect(cells.scanRows(BLOCK, OPTIONS))).toEqual([]);
  },
);

test('what was on its way when its blob was deleted does not come to light later', async () => {
  const cells = new WatchedCells();
  const store = storeOn(cells);
  const id = newBlobId();
  const held = cells.holdAll();
  const writing = store.write(id, streamOf([pattern(10)]), OPTIONS);
  await settled();
  await store.delete(id, OPTIONS);
  held.resolve();
  await writing;
  expect(await listIds(store)).toEqual([]);
  expect(await collect(cells.scanRows(BLOCK, OPTIONS))).toEqual([]);
});

test('a write whose outcome is in doubt deletes nothing', async () => {
  const cells = new WatchedCells();
  const inDoubt = new StoreError('in-doubt', 'Perhaps.');
  cells.failAfter(10, inDoubt);
  const store = storeOn(cells);
  const id = newBlobId();
  await expect(store.write(id, streamOf([pattern(LONG_BYTES)]), OPTIONS)).rejects.toBe(inDoubt);
  cells.failAfter(Number.POSITIVE_INFINITY);
  expect(cells.deletedPartitions).toBe(0);
  expect(await listIds(store)).toEqual([id]);
});

test('a write that fails while its body waits ends at once', async () => {
  const cells = new WatchedCells();
  cells.failAfter(1);
  async function* body(): AsyncIterable<Uint8Array> {
    yield pattern(CHUNK_BYTES + 1);
    await new Promise(() => undefined);
  }
  await expect(storeOn(cells).write(newBlobId(), body(), OPTIONS)).rejects.toBe(LOST);
});

test('verify sees without reading bytes that a chunk is missing', async () => {
  const cells = new WatchedCells();
  const store = storeOn(cells);
  const blob = await writeBlob(store, pattern(BLOCK_BYTES + CHUNK_BYTES + 1));
  expect(await store.verify(blob, { deep: false }, OPTIONS)).toBe('sound');
  await cells.write(BLOCK, [STORE, blob.id, 1], [{ key: [1], value: undefined }], { timestamp: 2 }, OPTIONS);
  expect(await store.verify(blob, { deep: false }, OPTIONS)).toBe('corrupt');
});

test('a header that is not what was written makes its blob corrupt, and does not hide it or keep it', async () => {
  const cells = new WatchedCells();
  const store = storeOn(cells);
  const blob = await writeBlob(store, pattern(BLOCK_BYTES));
  const wrong = [{ key: [0], value: Buffer.from('wrong') }];
  await cells.write(BLOB, [STORE, blob.id], wrong, { timestamp: 100 }, OPTIONS);
  expect(await store.verify(blob, { deep: false }, OPTIONS)).toBe('corrupt');
  expect(await listIds(store)).toEqual([blob.id]);
  expect(Buffer.compare(await readAll(store, blob), pattern(BLOCK_BYTES))).toBe(0);
  await store.delete(blob.id, OPTIONS);
  expect(await listIds(store)).toEqual([]);
  await expect(collect(store.read(blob, whole(blob), OPTIONS))).rejects.toMatchObject({ kind: 'corrupt' });
});

test('checkWritable writes one row over and over', async () => {
  const cells = new WatchedCells();
  const store = storeOn(cells);
  for (let round = 0; round < 3; round++) await store.checkWritable(OPTIONS);
  expect(await collect(cells.scanRows(BLOB, OPTIONS))).toHaveLength(1);
});

function storeOn(cells: CalmCells): CassandraBlobstore {
  return new CassandraBlobstore({
    cells,
    chunkReads: new CellChunkReads(cells),
    store: STORE,
    description: 'in memory',
    nowMs: () => 1_000_000,
    onCorruptChunk: () => undefined,
  });
}

function sealed(): { readonly id: BlobId; readonly index: number; readonly row: Buffer } {
  const place = { id: newBlobId(), index: 17 };
  const row = Buffer.concat([Buffer.alloc(CHUNK_HEADER_BYTES), pattern(100)]);
  sealChunk(place, row);
  return { ...place, row };
}

/** Lets everything run that waits for nothing. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
}

/** Cells that tell what is sent to them, and hold or refuse it. */
class WatchedCells extends CalmCells {
  readonly sent: string[] = [];
  readonly uncovered: string[] = [];
  chunksOnTheirWay = 0;
  chunksOnTheirWayMost = 0;
  deletedPartitions = 0;
  #coveredBlocks = 0;
  #writesLeft = Number.POSITIVE_INFINITY;
  #failure = LOST;
  #held: Promise<void> | undefined;
  #heldAll: Promise<void> | undefined;

  constructor() {
    super({ nowMs: () => 0 });
  }

  /** Takes so many more writes, and after that neither writes nor deletes. */
  failAfter(writes: number, failure = LOST): void {
    this.#writesLeft = writes;
    this.#failure = failure;
  }

  holdChunks(): PromiseWithResolvers<void> {
    const held = Promise.withResolvers<void>();
    this.#held = held.promise;
    return held;
  }

  /** Holds the writes that are sent up to the first delete. */
  holdAll(): PromiseWithResolvers<void> {
    const held = Promise.withResolvers<void>();
    this.#heldAll = held.promise;
    return held;
  }

  override async write(
    table: Table,
    partition: Key,
    rows: readonly RowChange[],
    write: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void> {
    const [first] = rows;
    const heldAll = this.#heldAll;
    this.#heldAll = undefined;
    if (first?.value === undefined || table === BLOB) {
      if (first?.value !== undefined) this.sent.push('header');
      await heldAll;
      this.#spend();
      await super.write(table, partition, rows, write, options);
      this.#coveredBlocks = Math.max(this.#coveredBlocks, first?.value?.[1] ?? 0);
      return;
    }
    const name = `chunk ${Number(partition[2]) * BLOCK_CHUNKS + Number(first.key[0])}`;
    this.sent.push(name);
    if (Number(partition[2]) >= this.#coveredBlocks) this.uncovered.push(name);
    this.chunksOnTheirWay++;
    this.chunksOnTheirWayMost = Math.max(this.chunksOnTheirWayMost, this.chunksOnTheirWay);
    await (this.#held ?? new Promise(setImmediate));
    this.chunksOnTheirWay--;
    this.#spend();
    await super.write(table, partition, rows, write, options);
  }

  override async deletePartition(
    table: Table,
    partition: Key,
    write: { readonly timestamp: number },
    options: CallOptions,
  ): Promise<void> {
    this.#spend();
    this.deletedPartitions++;
    await super.deletePartition(table, partition, write, options);
  }

  #spend(): void {
    if (this.#writesLeft <= 0) throw this.#failure;
    this.#writesLeft--;
  }
}
