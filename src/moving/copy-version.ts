import { UNCONDITIONAL } from '../domain/condition.ts';
import { NULL_VERSION_ID } from '../domain/names.ts';
import type { ListedVersion, ManifestPart, StoredObject } from '../domain/object-version.ts';
import type { OperationContext } from '../operations/operation.ts';
import { openVersion } from '../operations/read-object.ts';
import { StoreError } from '../stores/store.ts';
import type { RegionStores } from '../stores/stores.ts';
import {
  type BucketPlace,
  type IncomingPart,
  type IncomingVersion,
  refused,
  type StoreContext,
  storeParts,
  storeWhole,
} from './store-version.ts';

const MANIFEST_PAGE_PARTS = 1_000;

export type CopyContext = StoreContext & Pick<OperationContext, 'readPins'>;

/**
 * Makes a version of `from` the current one of its key in `to`, with all that belongs to it but its id; resolves with
 * the bytes that were copied, or `undefined` where the version is gone. The MD5 of a body sent in one piece is verified
 * on the way, of every other its length. A completed upload stays one. What is cut short is left to reclaim.
 * Throws: `StoreError`, S3Error (BadDigest, InvalidStorageClass).
 */
export async function copyVersion(
  context: CopyContext,
  { from, to }: { readonly from: BucketPlace; readonly to: BucketPlace },
  listed: ListedVersion,
): Promise<number | undefined> {
  const { signal } = context;
  const { key, versionId, lastModifiedMs, owner } = listed;
  if (listed.kind === 'delete-marker') {
    const mode = versionId === NULL_VERSION_ID ? 'null-marker' : 'new-marker';
    const draft = { key, mode, lastModifiedMs, owner } as const;
    const { kind } = await to.region.meta.deleteCurrent(to.bucketId, draft, UNCONDITIONAL, { signal });
    if (kind !== 'deleted') throw refused(kind);
    return 0;
  }
  const at = { bucketId: from.bucketId, key, versionId };
  using opened = await openVersion({ ...context, region: from.region }, at);
  const { version } = opened;
  if (version?.kind !== 'object') return undefined;
  const { etag, sizeBytes, body } = version;
  const incoming = incomingOf(version);
  if (body.kind === 'manifest') {
    await storeParts(context, to, { ...incoming, etagOf: () => etag }, partsOf(from.region, body.manifestId, signal));
  } else {
    const bytes = opened.stream(version, { offsetBytes: 0, lengthBytes: sizeBytes });
    await storeWhole(context, to, { ...incoming, etag }, bytes);
  }
  return sizeBytes;
}

async function* partsOf(
  region: RegionStores,
  manifestId: Parameters<RegionStores['meta']['readManifest']>[0],
  signal: AbortSignal,
): AsyncGenerator<IncomingPart> {
  let partNumber = 1;
  for (;;) {
    const page = await region.meta.readManifest(manifestId, { partNumber }, MANIFEST_PAGE_PARTS, { signal });
    for (const part of page) {
      const { sizeBytes, checksum } = part;
      yield { partNumber: part.partNumber, sizeBytes, checksum, bytes: bytesOf(region, part, signal) };
    }
    const last = page.at(-1);
    if (last === undefined || page.length < MANIFEST_PAGE_PARTS) return;
    partNumber = last.partNumber + 1;
  }
}

function bytesOf(
  region: RegionStores,
  { body, sizeBytes }: ManifestPart,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (body === undefined) return noBytes();
  const blobs = region.blobs.get(body.storageClass);
  if (blobs !== undefined) return blobs.read(body, { offsetBytes: 0, lengthBytes: sizeBytes }, { signal });
  throw new StoreError('unavailable', `The source has no blobstore for storage class ${body.storageClass}.`);
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // A part of no bytes has no blob.
}

function incomingOf(version: StoredObject): IncomingVersion {
  const { key, versionId, lastModifiedMs, sizeBytes, checksum } = version;
  const { headers, userMetadata, storageClass, owner, attributes } = version;
  const slot = versionId === NULL_VERSION_ID ? 'null' : 'new';
  return {
    key,
    slot,
    lastModifiedMs,
    sizeBytes,
    checksum,
    headers,
    userMetadata,
    storageClass,
    owner,
    attributes,
  };
}
