import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { etagOfMd5 } from '../domain/etag.ts';
import {
  NULL_VERSION_ID,
  parseBlobId,
  parseBucketId,
  parseObjectKey,
  parseRegionName,
  parseStorageClass,
  parseTenantId,
  type StorageClass,
} from '../domain/names.ts';
import {
  DEFAULT_ATTRIBUTES,
  type ManifestPart,
  type ObjectBody,
  parseManifestId,
  type StoredObject,
} from '../domain/object-version.ts';
import type { Blobstore } from '../stores/blobstore.ts';
import { MemoryBlobstore } from '../stores/memory/blobstore.ts';
import { MemoryMetastore } from '../stores/memory/metastore.ts';
import type { ReadPins } from '../stores/read-pins.ts';
import type { RegionStores } from '../stores/stores.ts';
import { openVersion, type ReadContext, readBody } from './read-object.ts';

const STANDARD = must(parseStorageClass('STANDARD'));
const BUCKET_ID = parseBucketId('0'.repeat(32));
const KEY = must(parseObjectKey('key'));

/** A metastore whose only manifest is given; it counts the pages read of it. */
class ManifestStore extends MemoryMetastore {
  readonly #parts: readonly ManifestPart[];
  pagesCount = 0;

  constructor(parts: readonly ManifestPart[]) {
    super({ nowMs: () => 0 });
    this.#parts = parts;
  }

  override async readManifest(
    _id: unknown,
    from: { offsetBytes: number } | { partNumber: number },
    limit: number,
  ): Promise<readonly ManifestPart[]> {
    this.pagesCount += 1;
    const first = this.#parts.findIndex((part) =>
      'partNumber' in from ? part.partNumber >= from.partNumber : part.offsetBytes + part.sizeBytes > from.offsetBytes,
    );
    return first < 0 ? [] : this.#parts.slice(first, first + limit);
  }
}

const BYTES = randomBytes(1_000);

describe('every range is read as it stands in the object', () => {
  const ranges = [
    [0, 1000],
    [0, 1],
    [999, 1],
    [0, 0],
    [10, 20],
    [333, 334],
    [100, 600],
  ] as const;

  test.each(ranges)('inline, from %i, %i bytes', async (offsetBytes, lengthBytes) => {
    const region = regionOf(new ManifestStore([]), new MemoryBlobstore());
    await expectRange(region, { kind: 'inline', bytes: BYTES }, { offsetBytes, lengthBytes });
  });

  test.each(ranges)('in one blob, from %i, %i bytes', async (offsetBytes, lengthBytes) => {
    const blobs = new MemoryBlobstore();
    const [part] = await writeParts(blobs, [1000]);
    const body = { kind: 'blob', blob: must(part?.body) } as const;
    await expectRange(regionOf(new ManifestStore([]), blobs), body, { offsetBytes, lengthBytes });
  });

  test.each(ranges)('in parts, one of them empty, from %i, %i bytes', async (offsetBytes, lengthBytes) => {
    const blobs = new MemoryBlobstore();
    const parts = await writeParts(blobs, [100, 233, 0, 334, 333]);
    await expectRange(regionOf(new ManifestStore(parts), blobs), manifestOf(parts), { offsetBytes, lengthBytes });
  });
});

test('a manifest is read a page of 1,000 parts at a time, and only as far as the range goes', async () => {
  const blobs = new MemoryBlobstore();
  const parts = await writeParts(
    blobs,
    Array.from({ length: 1_000 }, () => 1),
  );
  const meta = new ManifestStore([...parts, ...renumbered(parts, 1_000)]);
  const region = regionOf(meta, blobs);
  const version = versionOf({ kind: 'manifest', manifestId: parseManifestId('m'), partsCount: 2_000 });
  await collect(readBody({ region, signal: SIGNAL }, version, { offsetBytes: 10, lengthBytes: 10 }));
  expect(meta.pagesCount).toBe(1);
  const bytes = await collect(readBody({ region, signal: SIGNAL }, version, { offsetBytes: 500, lengthBytes: 1_500 }));
  expect(meta.pagesCount).toBe(3);
  expect(bytes).toEqual(Buffer.concat([BYTES, BYTES]).subarray(500));
});

test('a manifest with a gap is corrupt, not short', async () => {
  const blobs = new MemoryBlobstore();
  const parts = (await writeParts(blobs, [100, 100, 800])).filter((_, index) => index !== 1);
  const region = regionOf(new ManifestStore(parts), blobs);
  const read = collect(
    readBody({ region, signal: SIGNAL }, versionOf(manifestOf(parts)), { offsetBytes: 0, lengthBytes: 1000 }),
  );
  await expect(read).rejects.toMatchObject({ kind: 'corrupt' });
  const beyond = collect(
    readBody({ region, signal: SIGNAL }, versionOf(manifestOf(parts)), { offsetBytes: 900, lengthBytes: 200 }),
  );
  await expect(beyond).rejects.toMatchObject({ kind: 'corrupt' });
});

test('a blob of a storage class that is no longer configured is unavailable', async () => {
  const blob = { storageClass: must(parseStorageClass('COLD')), id: parseBlobId(randomId()), sizeBytes: 1 };
  const region = regionOf(new ManifestStore([]), new MemoryBlobstore());
  const read = collect(
    readBody({ region, signal: SIGNAL }, versionOf({ kind: 'blob', blob }), { offsetBytes: 0, lengthBytes: 1 }),
  );
  await expect(read).rejects.toMatchObject({ kind: 'unavailable' });
});

describe('the read pin', () => {
  test('is let go when the version is disposed of', async () => {
    const { context, pins } = await pinnedContext();
    {
      using opened = await openVersion(context, { bucketId: BUCKET_ID, key: KEY });
      expect(opened.version).toBeUndefined();
      expect(pins.held).toBe(1);
    }
    expect(pins.held).toBe(0);
  });

  test('is let go when the look-up fails', async () => {
    const { context, pins } = await pinnedContext();
    const opening = openVersion({ ...context, signal: AbortSignal.abort() }, { bucketId: BUCKET_ID, key: KEY });
    await expect(opening).rejects.toThrow();
    expect(pins.held).toBe(0);
  });

  test('outlives the version and is held to the end of its stream', async () => {
    const { context, pins, version } = await pinnedContext();
    const stream = await openStream(context, version);
    expect(pins.held).toBe(1);
    expect(await collect(stream)).toEqual(BYTES);
    expect(pins.held).toBe(0);
  });

  test('is let go when its stream is given up, begun or not', async () => {
    const { context, pins, version } = await pinnedContext();
    const unread = (await openStream(context, version))[Symbol.asyncIterator]();
    await unread.return?.();
    const begun = (await openStream(context, version))[Symbol.asyncIterator]();
    await begun.next();
    expect(pins.held).toBe(1);
    await begun.return?.();
    expect(pins.held).toBe(0);
  });

  test('is let go when its stream fails', async () => {
    const { context, pins, version, blobs } = await pinnedContext();
    const stream = await openStream(context, version);
    blobs.reset();
    await expect(collect(stream)).rejects.toMatchObject({ kind: 'corrupt' });
    expect(pins.held).toBe(0);
  });

  test('is let go when the client goes before the stream was read', async () => {
    const gone = new AbortController();
    const { context, pins, version } = await pinnedContext(gone.signal);
    await openStream(context, version);
    expect(pins.held).toBe(1);
    gone.abort();
    expect(pins.held).toBe(0);
  });
});

const SIGNAL = new AbortController().signal;

/** Counts the pins that are held; letting one go twice is an error. */
class CountingPins implements ReadPins {
  held = 0;

  begin(): Disposable {
    let isHeld = true;
    this.held += 1;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) throw new Error('The pin was let go before.');
        isHeld = false;
        this.held -= 1;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.held = 0;
  }
}

async function pinnedContext(signal: AbortSignal = SIGNAL) {
  const pins = new CountingPins();
  const blobs = new MemoryBlobstore();
  const [part] = await writeParts(blobs, [BYTES.length]);
  const context: ReadContext = { region: regionOf(new ManifestStore([]), blobs), readPins: pins, signal };
  return { context, pins, blobs, version: versionOf({ kind: 'blob', blob: must(part?.body) }) };
}

async function openStream(context: ReadContext, version: StoredObject): Promise<AsyncIterable<Uint8Array>> {
  using opened = await openVersion(context, { bucketId: BUCKET_ID, key: KEY });
  return opened.stream(version, { offsetBytes: 0, lengthBytes: version.sizeBytes });
}

async function expectRange(
  region: RegionStores,
  body: ObjectBody,
  range: { offsetBytes: number; lengthBytes: number },
) {
  const bytes = await collect(readBody({ region, signal: SIGNAL }, versionOf(body), range));
  expect(bytes).toEqual(BYTES.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes));
}

/** `BYTES` cut into blobs of these sizes. */
async function writeParts(blobs: Blobstore, sizes: readonly number[]): Promise<ManifestPart[]> {
  const parts: ManifestPart[] = [];
  let offsetBytes = 0;
  for (const [index, sizeBytes] of sizes.entries()) {
    const id = parseBlobId(randomId());
    const bytes = BYTES.subarray(offsetBytes, offsetBytes + sizeBytes);
    if (sizeBytes > 0) await blobs.write(id, piecesOf(bytes), { signal: SIGNAL });
    const body = sizeBytes === 0 ? undefined : { storageClass: STANDARD, id, sizeBytes };
    parts.push({ partNumber: index + 1, offsetBytes, sizeBytes, checksum: undefined, body });
    offsetBytes += sizeBytes;
  }
  return parts;
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 64) yield bytes.subarray(at, at + 64);
}

function renumbered(parts: readonly ManifestPart[], offset: number): ManifestPart[] {
  return parts.map((part) => ({
    ...part,
    partNumber: part.partNumber + offset,
    offsetBytes: part.offsetBytes + offset,
  }));
}

function manifestOf(parts: readonly ManifestPart[]): ObjectBody {
  return { kind: 'manifest', manifestId: parseManifestId('manifest'), partsCount: parts.length };
}

function versionOf(body: ObjectBody): StoredObject {
  return {
    kind: 'object',
    key: KEY,
    versionId: NULL_VERSION_ID,
    lastModifiedMs: 0,
    owner: { tenant: parseTenantId('alice'), displayName: 'Alice' },
    etag: etagOfMd5(Buffer.alloc(16)),
    sizeBytes: BYTES.length,
    storageClass: STANDARD,
    checksum: undefined,
    headers: {},
    userMetadata: [],
    attributes: DEFAULT_ATTRIBUTES,
    attributesRevision: 1,
    body,
  };
}

function regionOf(meta: MemoryMetastore, blobs: Blobstore): RegionStores {
  const classes = new Map<StorageClass, Blobstore>([[STANDARD, blobs]]);
  return { name: must(parseRegionName('us-east-1')), meta, blobs: classes };
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function randomId(): string {
  return randomBytes(16).toString('hex');
}

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('The test needs a value here.');
  return value;
}
