import type { Checksum } from '../domain/checksum.ts';
import { UNCONDITIONAL } from '../domain/condition.ts';
import type { ETag } from '../domain/etag.ts';
import type { BucketId, ObjectKey, StorageClass } from '../domain/names.ts';
import type { ObjectDescription } from '../domain/object-version.ts';
import type { UploadAddress } from '../domain/upload.ts';
import type { OperationContext } from '../operations/operation.ts';
import { type ReceivedBody, receiveBody } from '../operations/receive-body.ts';
import { BLOB_BYTES_MAX } from '../stores/blobstore.ts';
import { StoreError } from '../stores/store.ts';
import type { RegionStores } from '../stores/stores.ts';

/** How long giving up an upload may take, in milliseconds. */
const ABORT_TIMEOUT_MS = 10_000;
const MD5 = /^[0-9a-f]{32}$/;

export type StoreContext = Pick<OperationContext, 'clock' | 'ids' | 'signal'>;

/** One bucket in the stores that it lies in. */
export interface BucketPlace {
  readonly region: RegionStores;
  readonly bucketId: BucketId;
}

/** An object that comes from elsewhere, but for its bytes. */
export interface IncomingVersion extends ObjectDescription {
  readonly key: ObjectKey;
  readonly slot: 'null' | 'new';
  readonly lastModifiedMs: number;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
}

export interface IncomingPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
  /** Verified; `undefined`: it gets the MD5 of its bytes. */
  readonly etag?: ETag | undefined;
  /** `undefined`: now. */
  readonly lastModifiedMs?: number | undefined;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Makes `version` the current one of its key, with the bytes of `bytes`; what is cut short is left to reclaim. Its
 * length is verified, and the MD5 where `etag` is one, unless `isDigest` is false: the source made its ETag otherwise. Without an
 * `etag` it gets the MD5 of the bytes.
 * Throws: `StoreError`, S3Error (BadDigest, InvalidStorageClass), and what `bytes` throws.
 */
export async function storeWhole(
  context: StoreContext,
  to: BucketPlace,
  {
    etag,
    isDigest = true,
    ...version
  }: IncomingVersion & { readonly etag: ETag | undefined; readonly isDigest?: boolean },
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { meta } = to.region;
  await using received = await receive(context, to, bytes, {
    storageClass: version.storageClass,
    sizeBytes: version.sizeBytes,
    etag: isDigest ? etag : undefined,
    inlineBytesMax: meta.inlineBytesMax,
  });
  const draft = { ...version, etag: etag ?? received.etag, body: received.body };
  const { signal } = context;
  const outcome = await received.commit(() => meta.putVersion(to.bucketId, draft, UNCONDITIONAL, { signal }));
  if (outcome.kind !== 'stored') throw refused(outcome.kind);
}

/**
 * Makes `version` the current one of its key out of `parts`, in order, so that they can be read by their numbers as
 * before. Its length is verified; `etagOf` gets the MD5 of every part and gives the version's ETag, or throws.
 * Throws as `storeWhole`, and what `parts` and `etagOf` throw.
 */
export async function storeParts(
  context: StoreContext,
  to: BucketPlace,
  version: IncomingVersion & { etagOf(partETags: readonly ETag[]): ETag },
  parts: AsyncIterable<IncomingPart>,
): Promise<void> {
  const { signal, clock } = context;
  const { meta } = to.region;
  const { etagOf, key, slot, lastModifiedMs, sizeBytes, checksum, ...description } = version;
  const upload = { ...description, key, initiatedAtMs: clock.nowMs(), checksum: undefined };
  const created = await meta.createUpload(to.bucketId, upload, { signal });
  if (created.kind !== 'created') throw refused(created.kind);
  const at = { bucketId: to.bucketId, key, uploadId: created.upload.uploadId };
  let isCommitting = false;
  try {
    const stored: { readonly partNumber: number; readonly etag: ETag }[] = [];
    let storedBytes = 0;
    for await (const part of parts) {
      stored.push({
        partNumber: part.partNumber,
        etag: await storePart(context, to, at, { ...part, storageClass: version.storageClass }),
      });
      storedBytes += part.sizeBytes;
    }
    if (storedBytes !== sizeBytes) throw wrongSize(storedBytes, sizeBytes);
    const etag = etagOf(stored.map((part) => part.etag));
    isCommitting = true;
    const completion = { parts: stored, etag, checksum, slot, lastModifiedMs };
    const outcome = await meta.completeUpload(at, completion, UNCONDITIONAL, { signal });
    if (outcome.kind !== 'completed') throw refused(outcome.kind);
  } catch (error) {
    // After a complete in doubt the upload may be a version: what is left open, the job for stale uploads ends.
    if (!isCommitting) await meta.abortUpload(at, { signal: AbortSignal.timeout(ABORT_TIMEOUT_MS) });
    throw error;
  }
}

/**
 * Stores a part of an open upload; its length is verified, and its MD5 where it has an `etag`.
 * Throws: `StoreError`, S3Error (BadDigest, EntityTooLarge, InvalidStorageClass), and what `bytes` throws.
 */
export async function storePart(
  context: StoreContext,
  to: BucketPlace,
  at: UploadAddress,
  part: IncomingPart & { readonly storageClass: StorageClass },
): Promise<ETag> {
  const { partNumber, sizeBytes, checksum, bytes, storageClass } = part;
  const { signal, clock } = context;
  await using received = await receive(context, to, bytes, {
    storageClass,
    sizeBytes,
    etag: part.etag,
    inlineBytesMax: 0,
  });
  const blob = received.body.kind === 'blob' ? received.body.blob : undefined;
  const lastModifiedMs = part.lastModifiedMs ?? clock.nowMs();
  const stored = { partNumber, sizeBytes, etag: received.etag, checksum, lastModifiedMs, body: blob };
  const outcome = await received.commit(() => to.region.meta.putPart(at, stored, { signal }));
  if (outcome.kind !== 'stored') throw refused(outcome.kind);
  return received.etag;
}

async function receive(
  context: StoreContext,
  to: BucketPlace,
  bytes: AsyncIterable<Uint8Array>,
  about: {
    readonly storageClass: StorageClass;
    readonly sizeBytes: number;
    readonly etag: ETag | undefined;
    readonly inlineBytesMax: number;
  },
): Promise<ReceivedBody> {
  const { storageClass, sizeBytes, etag, inlineBytesMax } = about;
  const md5 = etag !== undefined && MD5.test(etag) ? Buffer.from(etag, 'hex').toString('base64') : undefined;
  const expected = { bytesMax: BLOB_BYTES_MAX, sizeBytes, md5, checksum: undefined };
  const received = await receiveBody({ ...context, region: to.region }, bytes, {
    storageClass,
    expected,
    inlineBytesMax,
  });
  if (received.sizeBytes === sizeBytes) return received;
  await received[Symbol.asyncDispose]();
  throw wrongSize(received.sizeBytes, sizeBytes);
}

function wrongSize(receivedBytes: number, sizeBytes: number): StoreError {
  return new StoreError('corrupt', `${receivedBytes} bytes came of an object of ${sizeBytes}.`);
}

/** The store said why it did not take a version. */
export function refused(kind: string): StoreError {
  return new StoreError('unavailable', `The target refused the version: ${kind}. Run the command again.`);
}
