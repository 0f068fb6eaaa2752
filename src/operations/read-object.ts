import type { BlobAddress, ManifestId, ObjectVersion, StoredObject } from '../domain/object-version.ts';
import type { ByteRange } from '../stores/blobstore.ts';
import type { VersionAddress } from '../stores/metastore.ts';
import { StoreError } from '../stores/store.ts';
import type { RegionStores } from '../stores/stores.ts';
import type { OpenBucket, OperationContext } from './operation.ts';

/** Parts of a manifest that are read at once. */
const MANIFEST_PAGE_PARTS = 1_000;

export type ReadContext = Pick<OperationContext, 'readPins' | 'signal'> & Pick<OpenBucket, 'region'>;

/**
 * A version that was looked up under a read pin. The pin is held until this is disposed of, or, once `stream` was
 * called, until that stream has ended.
 */
export interface OpenedVersion extends Disposable {
  readonly version: ObjectVersion | undefined;

  /**
   * Hands the pin over to a stream of the bytes of `version` in `range`. The stream is read once; whoever takes its
   * iterator reads it to the end or calls `return`.
   */
  stream(version: StoredObject, range: ByteRange): AsyncIterable<Uint8Array>;
}

/** Looks a version up for reading: from here to the end of its stream, reclaim leaves its bytes alone. */
export async function openVersion(context: ReadContext, at: VersionAddress): Promise<OpenedVersion> {
  const pin = context.readPins.begin(context.region.meta);
  try {
    const version = await context.region.meta.getVersion(at, { signal: context.signal });
    return new PinnedVersion(context, version, pin);
  } catch (error) {
    pin[Symbol.dispose]();
    throw error;
  }
}

/**
 * The bytes of `version` in `range`, in order; parts are opened one after the other, manifest pages as they are needed.
 * The caller holds a read pin. Throws `StoreError`.
 */
export async function* readBody(
  { region, signal }: Pick<ReadContext, 'region' | 'signal'>,
  version: StoredObject,
  range: ByteRange,
): AsyncGenerator<Uint8Array> {
  const { body } = version;
  switch (body.kind) {
    case 'inline':
      yield sliceInline(body.bytes, range);
      return;
    case 'blob':
      yield* readBlob(region, body.blob, range, signal);
      return;
    case 'manifest':
      yield* readManifest({ region, signal }, body.manifestId, range);
  }
}

/** The bytes of an inline body in `range`; a view, not a copy. */
export function sliceInline(bytes: Uint8Array, { offsetBytes, lengthBytes }: ByteRange): Uint8Array {
  return lengthBytes === bytes.length ? bytes : bytes.subarray(offsetBytes, offsetBytes + lengthBytes);
}

async function* readManifest(
  { region, signal }: Pick<ReadContext, 'region' | 'signal'>,
  manifestId: ManifestId,
  range: ByteRange,
): AsyncGenerator<Uint8Array> {
  const endBytes = range.offsetBytes + range.lengthBytes;
  let offsetBytes = range.offsetBytes;
  while (offsetBytes < endBytes) {
    const parts = await region.meta.readManifest(manifestId, { offsetBytes }, MANIFEST_PAGE_PARTS, { signal });
    for (const part of parts) {
      if (offsetBytes >= endBytes) return;
      const partEndBytes = part.offsetBytes + part.sizeBytes;
      if (part.offsetBytes > offsetBytes) throw gapInManifest(manifestId, offsetBytes);
      if (part.body === undefined || partEndBytes <= offsetBytes) continue;
      const lengthBytes = Math.min(partEndBytes, endBytes) - offsetBytes;
      yield* readBlob(region, part.body, { offsetBytes: offsetBytes - part.offsetBytes, lengthBytes }, signal);
      offsetBytes += lengthBytes;
    }
    if (parts.length < MANIFEST_PAGE_PARTS && offsetBytes < endBytes) throw gapInManifest(manifestId, offsetBytes);
  }
}

function readBlob(
  region: RegionStores,
  blob: BlobAddress,
  range: ByteRange,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const blobstore = region.blobs.get(blob.storageClass);
  if (blobstore === undefined) {
    throw new StoreError(
      'unavailable',
      `Region ${region.name} has no blobstore for storage class ${blob.storageClass}, where blob ${blob.id} lies.`,
    );
  }
  return blobstore.read(blob, range, { signal });
}

function gapInManifest(manifestId: ManifestId, offsetBytes: number): StoreError {
  return new StoreError('corrupt', `Manifest ${manifestId} has no part with byte ${offsetBytes}.`);
}

class PinnedVersion implements OpenedVersion {
  readonly version: ObjectVersion | undefined;
  readonly #context: ReadContext;
  #pin: Disposable | undefined;

  constructor(context: ReadContext, version: ObjectVersion | undefined, pin: Disposable) {
    this.#context = context;
    this.version = version;
    this.#pin = pin;
  }

  stream(version: StoredObject, range: ByteRange): AsyncIterable<Uint8Array> {
    const pin = this.#pin;
    if (pin === undefined) throw new TypeError('A version is streamed once, before it is disposed of.');
    this.#pin = undefined;
    return new PinnedStream(readBody(this.#context, version, range), pin, this.#context.signal);
  }

  [Symbol.dispose](): void {
    this.#pin?.[Symbol.dispose]();
    this.#pin = undefined;
  }
}

/** Lets go of a pin when its stream ends, is given up even before its first byte, or the client has gone. */
class PinnedStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #bytes: AsyncGenerator<Uint8Array>;
  readonly #signal: AbortSignal;
  #pin: Disposable | undefined;

  constructor(bytes: AsyncGenerator<Uint8Array>, pin: Disposable, signal: AbortSignal) {
    this.#bytes = bytes;
    this.#pin = pin;
    this.#signal = signal;
    signal.addEventListener('abort', this.#letGo, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const result = await this.#bytes.next();
      if (result.done !== true) return result;
    } catch (error) {
      this.#letGo();
      throw error;
    }
    this.#letGo();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      await this.#bytes.return(undefined);
    } finally {
      this.#letGo();
    }
    return { done: true, value: undefined };
  }

  readonly #letGo = (): void => {
    this.#signal.removeEventListener('abort', this.#letGo);
    this.#pin?.[Symbol.dispose]();
    this.#pin = undefined;
  };
}
