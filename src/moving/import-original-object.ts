import { isDeepStrictEqual } from 'node:util';
import type { Owner } from '../domain/bucket.ts';
import { createDigest, type Digest } from '../domain/digests.ts';
import { type ETag, parseETag } from '../domain/etag.ts';
import { type ObjectKey, parseObjectKey } from '../domain/names.ts';
import { DEFAULT_ATTRIBUTES, type StoredObject } from '../domain/object-version.ts';
import { S3Error } from '../domain/s3-error.ts';
import { StoreError } from '../stores/store.ts';
import type { OriginalObject, OriginalRegion } from './original-source.ts';
import { translateAcl, translateHeaders, translateTime } from './original-values.ts';
import { storageClassIn } from './storage-class-in.ts';
import {
  type BucketPlace,
  type IncomingPart,
  type IncomingVersion,
  type StoreContext,
  storeParts,
  storeWhole,
} from './store-version.ts';

/** What a checksum of the original looks like. */
export const MD5 = /^[0-9a-f]{32}$/;

export interface OriginalTarget extends BucketPlace {
  readonly slot: 'null' | 'new';
  readonly owner: Owner;
}

export interface OriginalContext extends StoreContext {
  /** What is longer is stored in parts of so many bytes. */
  readonly blobBytesMax: number;
}

/** What an object is here; `half`: its row has no bytes, since nothing but its ACL was ever written, or is left. */
export type OriginalOutcome = (
  | { readonly kind: 'copied'; readonly sizeBytes: number }
  | { readonly kind: 'same' | 'gone' | 'half' }
) & { readonly problems: readonly string[] };

/**
 * Brings one object over, with headers, metadata, ACL and time; its MD5 is verified. It is `same` where the target has
 * these bytes of this time already, and then gets the ACL alone. What a client has put there since stays, and is told.
 * Throws: `StoreError`, S3Error, and `OriginalObjectError` for what is wrong with the object.
 */
export async function importOriginalObject(
  context: OriginalContext,
  from: OriginalRegion & { readonly bucket: string },
  row: OriginalObject,
  to: OriginalTarget,
): Promise<OriginalOutcome> {
  const outcome = await attempt(context, from, row, to);
  if (!(outcome instanceof Error)) return outcome;
  // The original removes the bytes of what is overwritten before it changes the row.
  const now = await from.meta.object(from.bucket, row.key, context);
  if (now === undefined) return { kind: 'gone', problems: [] };
  if (now.inode === row.inode && now.version === row.version) throw outcome;
  const again = await attempt(context, from, now, to);
  if (again instanceof Error) throw again;
  return again;
}

/** Something about an object that keeps it from being brought over. */
export class OriginalObjectError extends Error {
  override readonly name = 'OriginalObjectError';
}

/** The error is one that may come from a change under way. */
async function attempt(
  context: OriginalContext,
  from: OriginalRegion,
  row: OriginalObject,
  to: OriginalTarget,
): Promise<OriginalOutcome | Error> {
  const { inode, version, sizeBytes, checksum } = row;
  if (inode === undefined || version === undefined || sizeBytes === undefined || checksum === undefined) {
    return { kind: 'half', problems: [] };
  }
  const { incoming, problems } = incomingOf(row, { sizeBytes, checksum }, to);
  const existing = await to.region.meta.getVersion({ bucketId: to.bucketId, key: incoming.key }, context);
  if (existing?.kind === 'object') {
    const { etag, lastModifiedMs } = existing;
    const isSameBody = etag === incoming.etag && existing.sizeBytes === sizeBytes;
    if (isSameBody && lastModifiedMs === incoming.lastModifiedMs) {
      return { kind: 'same', problems: [...problems, ...(await syncAcl(context, to, existing, incoming))] };
    }
    if (lastModifiedMs > incoming.lastModifiedMs) {
      const told = isSameBody ? [] : ['the target has a newer object of this name, which stays.'];
      return { kind: 'same', problems: [...problems, ...told] };
    }
  }
  try {
    await store(context, to, incoming, from.blobs.read({ inode, version }, context));
    return { kind: 'copied', sizeBytes, problems };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof S3Error && error.code === 'BadDigest') return wrongDigest(error);
    if (error instanceof StoreError && error.kind === 'corrupt') return error;
    throw error;
  }
}

type Incoming = IncomingVersion & { readonly etag: ETag };

function incomingOf(
  row: OriginalObject,
  { sizeBytes, checksum }: { readonly sizeBytes: number; readonly checksum: string },
  { slot, owner, region }: OriginalTarget,
): { readonly incoming: Incoming; readonly problems: readonly string[] } {
  const key = parseKey(row.key);
  const etag = MD5.test(checksum) ? parseETag(checksum) : undefined;
  if (etag === undefined) throw new OriginalObjectError(`Its checksum ${JSON.stringify(checksum)} is no MD5.`);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw new OriginalObjectError(`Its size is ${sizeBytes}.`);
  const lastModifiedMs = translateTime(row.atime);
  if (lastModifiedMs === undefined) throw new OriginalObjectError(`Its time is ${JSON.stringify(row.atime)}.`);
  const acl = translateAcl(row.acl, owner);
  const described = translateHeaders(row.metadata);
  const incoming: Incoming = {
    ...described.value,
    ...{ key, slot, owner, etag, sizeBytes, lastModifiedMs },
    checksum: undefined,
    storageClass: storageClassIn(region, row.storageClass?.toUpperCase()),
    attributes: { ...DEFAULT_ATTRIBUTES, acl: acl.value },
  };
  return { incoming, problems: [...acl.problems, ...described.problems] };
}

/** Throws `OriginalObjectError`. */
export function parseKey(text: string): ObjectKey {
  const key = parseObjectKey(text);
  if (key === undefined) throw new OriginalObjectError('Its key is empty or longer than 1,024 bytes.');
  return key;
}

async function syncAcl(
  { signal }: OriginalContext,
  { region, bucketId }: OriginalTarget,
  existing: StoredObject,
  { key, attributes: { acl } }: Incoming,
): Promise<readonly string[]> {
  const { versionId, attributes, attributesRevision: revision } = existing;
  if (isDeepStrictEqual(attributes.acl, acl)) return [];
  const update = { attributes: { ...attributes, acl }, revision };
  const outcome = await region.meta.updateAttributes({ bucketId, key, versionId }, update, { signal });
  return outcome === 'updated' ? [] : ['the target changed meanwhile: run the command again.'];
}

async function store(
  context: OriginalContext,
  to: OriginalTarget,
  incoming: Incoming,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  if (incoming.sizeBytes <= context.blobBytesMax) {
    await storeWhole(context, to, incoming, bytes);
    return;
  }
  const md5 = createDigest('MD5');
  const { etag, ...version } = incoming;
  const etagOf = (): ETag => {
    if (md5.digest() === Buffer.from(etag, 'hex').toString('base64')) return etag;
    throw new S3Error('BadDigest');
  };
  await storeParts(context, to, { ...version, etagOf }, cut(hashed(bytes, md5), incoming.sizeBytes, context));
}

async function* hashed(bytes: AsyncIterable<Uint8Array>, digest: Digest): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    digest.update(chunk);
    yield chunk;
  }
}

/** One stream as parts that are read one after the other; what there is too much falls to the last. */
async function* cut(
  bytes: AsyncGenerator<Uint8Array>,
  sizeBytes: number,
  { blobBytesMax }: Pick<OriginalContext, 'blobBytesMax'>,
): AsyncGenerator<IncomingPart> {
  let rest: Uint8Array = new Uint8Array();
  const take = async function* (lengthBytes: number): AsyncGenerator<Uint8Array> {
    let leftBytes = lengthBytes;
    while (leftBytes > 0) {
      if (rest.length === 0) {
        const next = await bytes.next();
        if (next.done === true) return;
        rest = next.value;
      }
      const taken = rest.subarray(0, leftBytes);
      rest = rest.subarray(taken.length);
      leftBytes -= taken.length;
      yield taken;
    }
  };
  try {
    let partNumber = 1;
    for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += blobBytesMax) {
      const partBytes = Math.min(blobBytesMax, sizeBytes - offsetBytes);
      const isLast = offsetBytes + partBytes === sizeBytes;
      const part = take(isLast ? Number.POSITIVE_INFINITY : partBytes);
      yield { partNumber, sizeBytes: partBytes, checksum: undefined, bytes: part };
      partNumber++;
    }
  } finally {
    await bytes.return(undefined);
  }
}

function wrongDigest(cause: S3Error): StoreError {
  return new StoreError('corrupt', 'Its bytes are not those whose MD5 stands in its row.', { cause });
}
