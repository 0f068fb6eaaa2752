import { parseETag } from '../domain/etag.ts';
import type { ObjectKey } from '../domain/names.ts';
import { DEFAULT_ATTRIBUTES } from '../domain/object-version.ts';
import { S3Error } from '../domain/s3-error.ts';
import { PART_NUMBER_MAX, type Part, type Upload, type UploadAddress, type UploadDraft } from '../domain/upload.ts';
import { StoreError } from '../stores/store.ts';
import {
  MD5,
  type OriginalContext,
  OriginalObjectError,
  type OriginalTarget,
  parseKey,
} from './import-original-object.ts';
import type { OriginalPart, OriginalRegion, OriginalUpload } from './original-source.ts';
import { type Translated, translateAcl, translateHeaders, translateTime } from './original-values.ts';
import { storageClassIn } from './storage-class-in.ts';
import { refused, storePart } from './store-version.ts';

const UPLOADS_PAGE = 1_000;
const PARTS_PAGE = 1_000;
/** What the original kept among the headers of an upload. */
const NO_HEADERS = ['initiated', 'acl'];

export interface UploadOutcome {
  /** Whether the upload was made in this run. */
  readonly isNew: boolean;
  readonly copiedParts: number;
  readonly copiedBytes: number;
  readonly problems: readonly string[];
}

/**
 * Brings an unfinished upload over, with headers, metadata, ACL, time and parts, so that a client can go on with it. The
 * target gives it an id of its own, and keeps the one that it had as its origin, by which a later run knows it: it then
 * brings the parts that are new or changed. A part that a client has sent to the target since stays. The MD5 of a part is
 * verified where the source has one, and always its length; a part that fails is a problem, and does not keep the others.
 * The original knows no initiator: like its objects, the upload is the bucket's owner's.
 * Throws: `StoreError`, `OriginalObjectError`.
 */
export async function importOriginalUpload(
  context: OriginalContext,
  from: OriginalRegion,
  row: OriginalUpload,
  to: OriginalTarget,
): Promise<UploadOutcome> {
  const { value: draft, problems } = draftOf(context, row, to);
  const brought = await findBrought(context, to, { key: draft.key, origin: row.uploadId });
  const upload = brought ?? (await createUpload(context, to, draft));
  const at = { bucketId: to.bucketId, key: draft.key, uploadId: upload.uploadId };
  const known = brought === undefined ? new Map<number, Part>() : await readParts(context, to, at);
  const told = [...problems];
  let copiedParts = 0;
  let copiedBytes = 0;
  for await (const part of from.meta.parts(row, context)) {
    const existing = known.get(part.partNumber);
    if (existing !== undefined && isBrought(existing, part)) continue;
    try {
      copiedBytes += await copyPart(context, from, part, { to, at, upload });
      copiedParts++;
    } catch (error) {
      context.signal.throwIfAborted();
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      if (await isStillThere(context, from, row, part)) told.push(`part ${part.partNumber}: ${problem}`);
    }
  }
  return { isNew: brought === undefined, copiedParts, copiedBytes, problems: told };
}

function draftOf(
  { clock }: OriginalContext,
  { key, uploadId, metadata }: OriginalUpload,
  { owner, region }: OriginalTarget,
): Translated<UploadDraft> {
  const headers = new Map([...metadata].filter(([name]) => !NO_HEADERS.includes(name)));
  const described = translateHeaders(headers);
  const acl = translateAcl(metadata.get('acl'), owner);
  const value: UploadDraft = {
    ...described.value,
    ...{ key: parseKey(key), owner, checksum: undefined, origin: uploadId },
    storageClass: storageClassIn(region, undefined),
    initiatedAtMs: translateTime(metadata.get('initiated')) ?? clock.nowMs(),
    attributes: { ...DEFAULT_ATTRIBUTES, acl: acl.value },
  };
  return { value, problems: [...acl.problems, ...described.problems] };
}

/** The open upload that an earlier run made of it. Costs the open uploads of its key. */
async function findBrought(
  { signal }: OriginalContext,
  { region, bucketId }: OriginalTarget,
  { key, origin }: { readonly key: ObjectKey; readonly origin: string },
): Promise<Upload | undefined> {
  let after: Upload | undefined;
  for (;;) {
    const range = { bucketId, prefix: key, after, limit: UPLOADS_PAGE };
    const page = await region.meta.listUploads(range, { signal });
    for (const upload of page) {
      // Of the keys that start with this one, it is the first.
      if (upload.key !== key) return undefined;
      if (upload.origin === origin) return upload;
    }
    if (page.length < UPLOADS_PAGE) return undefined;
    after = page.at(-1);
  }
}

async function createUpload(
  { signal }: OriginalContext,
  { region, bucketId }: OriginalTarget,
  draft: UploadDraft,
): Promise<Upload> {
  const outcome = await region.meta.createUpload(bucketId, draft, { signal });
  if (outcome.kind !== 'created') throw refused(outcome.kind);
  return outcome.upload;
}

async function readParts(
  { signal }: OriginalContext,
  { region }: OriginalTarget,
  at: UploadAddress,
): Promise<ReadonlyMap<number, Part>> {
  const found = new Map<number, Part>();
  let afterPartNumber = 0;
  for (;;) {
    const page = await region.meta.listParts(at, { afterPartNumber, limit: PARTS_PAGE }, { signal });
    for (const part of page) found.set(part.partNumber, part);
    const last = page.at(-1);
    if (last === undefined || page.length < PARTS_PAGE) return found;
    afterPartNumber = last.partNumber;
  }
}

/** Whether the target has this part, or one that was sent there later. */
function isBrought(existing: Part, { sizeBytes, checksum, modified }: OriginalPart): boolean {
  const modifiedMs = translateTime(modified);
  if (modifiedMs !== undefined && existing.lastModifiedMs > modifiedMs) return true;
  const isSameBody = !isMd5(checksum) || existing.etag === checksum;
  const isSameTime = modifiedMs === undefined || existing.lastModifiedMs === modifiedMs;
  return isSameBody && isSameTime && existing.sizeBytes === sizeBytes;
}

/** Resolves with its bytes. */
async function copyPart(
  context: OriginalContext,
  from: OriginalRegion,
  part: OriginalPart,
  { to, at, upload }: { readonly to: OriginalTarget; readonly at: UploadAddress; readonly upload: Upload },
): Promise<number> {
  const { partNumber, inode, version, sizeBytes, checksum, modified } = part;
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > PART_NUMBER_MAX) {
    throw new OriginalObjectError(`Part numbers go from 1 to ${PART_NUMBER_MAX}.`);
  }
  if (inode === undefined || version === undefined || sizeBytes === undefined) {
    throw new OriginalObjectError('Its row has no bytes.');
  }
  await storePart(context, to, at, {
    ...{ partNumber, sizeBytes, checksum: undefined },
    etag: isMd5(checksum) ? parseETag(checksum) : undefined,
    lastModifiedMs: translateTime(modified),
    storageClass: upload.storageClass,
    bytes: from.blobs.read({ inode, version }, context),
  });
  return sizeBytes;
}

function isMd5(checksum: string | undefined): checksum is string {
  return checksum !== undefined && MD5.test(checksum);
}

/** What is wrong with one part; `undefined`: it is wrong with more than that. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof S3Error) {
    return error.code === 'BadDigest' ? 'its bytes are not those whose MD5 stands in its row.' : error.message;
  }
  const isOfPart = error instanceof OriginalObjectError || (error instanceof StoreError && error.kind === 'corrupt');
  return isOfPart ? error.message : undefined;
}

/** Whether the source has the part as it was read, and no client has replaced it or ended the upload since. */
async function isStillThere(
  context: OriginalContext,
  from: OriginalRegion,
  row: OriginalUpload,
  { partNumber, inode, version }: OriginalPart,
): Promise<boolean> {
  for await (const part of from.meta.parts(row, context)) {
    if (part.partNumber === partNumber) return part.inode === inode && part.version === version;
  }
  return false;
}
