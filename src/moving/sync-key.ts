import { isDeepStrictEqual } from 'node:util';
import { UNCONDITIONAL } from '../domain/condition.ts';
import { NULL_VERSION_ID, type ObjectKey } from '../domain/names.ts';
import type { ListedVersion } from '../domain/object-version.ts';
import { compareUtf8 } from '../domain/utf8-order.ts';
import type { CallOptions } from '../stores/store.ts';
import { type CopyContext, copyVersion } from './copy-version.ts';
import type { BucketPlace } from './store-version.ts';
import { type KeyVersions, versionsByKey } from './versions-by-key.ts';

interface Places {
  readonly from: BucketPlace;
  readonly to: BucketPlace;
}

/** The versions of one key on both sides, the oldest first. */
export interface KeyPair {
  readonly key: ObjectKey;
  readonly source: readonly ListedVersion[];
  readonly target: readonly ListedVersion[];
}

export interface SyncedKey {
  readonly copiedVersions: number;
  readonly copiedBytes: number;
  readonly sameVersions: number;
  readonly removedVersions: number;
  readonly problems: readonly string[];
}

/** Every key that a bucket has on either side, in order. */
export async function* inBothBuckets({ from, to }: Places, options: CallOptions): AsyncGenerator<KeyPair> {
  const sources = versionsByKey(from.region.meta, from.bucketId, options);
  const targets = versionsByKey(to.region.meta, to.bucketId, options);
  let source = await nextOf(sources);
  let target = await nextOf(targets);
  while (source !== undefined || target !== undefined) {
    const order = source === undefined ? 1 : target === undefined ? -1 : compareUtf8(source.key, target.key);
    const ofSource = order <= 0 ? source : undefined;
    const ofTarget = order >= 0 ? target : undefined;
    const key = ofSource?.key ?? ofTarget?.key;
    if (key !== undefined) yield { key, source: ofSource?.versions ?? [], target: ofTarget?.versions ?? [] };
    if (order <= 0) source = await nextOf(sources);
    if (order >= 0) target = await nextOf(targets);
  }
}

/**
 * Brings one key up to date in the target. What the target has already, in the same order, stays; what the source has
 * besides is added on top. Where the target has something else, that goes first: nobody but the move writes there.
 * Throws: `StoreError`, S3Error.
 */
export async function syncKey(
  context: CopyContext,
  places: Places,
  { source, target }: KeyPair,
  { mode }: { readonly mode: 'copy' | 'compare' },
): Promise<SyncedKey> {
  const isPrefix = target.every((version, index) => isSameVersion(version, source[index]));
  const kept = isPrefix ? target.length : 0;
  const problems: string[] = [];
  let removedVersions = 0;
  if (mode === 'compare') {
    if (!isPrefix || kept < source.length) problems.push(`the target has ${target.length} versions, and not the same.`);
  } else if (!isPrefix && !isReplacedByPut({ source, target })) {
    removedVersions = await removeVersions(context, places.to, target);
  }
  for (const [index, version] of source.slice(0, kept).entries()) {
    const copied = target[index];
    if (copied !== undefined) problems.push(...(await syncAttributes(context, places, { version, copied }, mode)));
  }
  let copiedBytes = 0;
  let copiedVersions = 0;
  for (const version of mode === 'copy' ? source.slice(kept) : []) {
    const bytes = await copyVersion(context, places, version);
    // It was removed in the source meanwhile: the next run sees that.
    if (bytes === undefined) continue;
    copiedVersions++;
    copiedBytes += bytes;
  }
  return { copiedVersions, copiedBytes, sameVersions: kept, removedVersions, problems };
}

async function nextOf(groups: AsyncGenerator<KeyVersions>): Promise<KeyVersions | undefined> {
  const { done, value } = await groups.next();
  return done === true ? undefined : value;
}

function isSameVersion(a: ListedVersion, b: ListedVersion | undefined): boolean {
  if (b === undefined || a.lastModifiedMs !== b.lastModifiedMs) return false;
  if ((a.versionId === NULL_VERSION_ID) !== (b.versionId === NULL_VERSION_ID)) return false;
  if (a.kind !== 'object' || b.kind !== 'object') return a.kind === b.kind;
  return a.etag === b.etag && a.sizeBytes === b.sizeBytes;
}

/** A null version takes the place of the one before it in one step. */
function isReplacedByPut({ source, target }: Pick<KeyPair, 'source' | 'target'>): boolean {
  return [source, target].every((versions) => versions.length === 1 && versions[0]?.versionId === NULL_VERSION_ID);
}

/** The newest first, so that what is current stays a version of this key for as long as there is one. */
async function removeVersions(
  { signal, clock }: CopyContext,
  { region, bucketId }: BucketPlace,
  versions: readonly ListedVersion[],
): Promise<number> {
  for (const { key, versionId } of versions.toReversed()) {
    const guard = { condition: UNCONDITIONAL, nowMs: clock.nowMs(), bypassGovernance: true };
    const { kind } = await region.meta.deleteVersion({ bucketId, key, versionId }, guard, { signal });
    if (kind !== 'deleted' && kind !== 'not-found') {
      throw new Error(`The target keeps version ${versionId}, which the source has no more: ${kind}.`);
    }
  }
  return versions.length;
}

/** Tags, ACLs and locks may have changed since the version was copied. */
async function syncAttributes(
  { signal }: CopyContext,
  { from, to }: Places,
  { version, copied }: { readonly version: ListedVersion; readonly copied: ListedVersion },
  mode: 'copy' | 'compare',
): Promise<readonly string[]> {
  if (version.kind !== 'object') return [];
  const { key, versionId } = version;
  const at = { bucketId: to.bucketId, key, versionId: copied.versionId };
  const source = await from.region.meta.getVersion({ bucketId: from.bucketId, key, versionId }, { signal });
  const target = await to.region.meta.getVersion(at, { signal });
  if (source?.kind !== 'object' || target?.kind !== 'object') return ['a version went while it was looked at.'];
  if (isDeepStrictEqual(source.attributes, target.attributes)) return [];
  if (mode === 'compare') return [`the ACL, tags or lock of version ${versionId} differ.`];
  const update = { attributes: source.attributes, revision: target.attributesRevision };
  const outcome = await to.region.meta.updateAttributes(at, update, { signal });
  return outcome === 'updated' ? [] : [`the version ${outcome} in the target meanwhile.`];
}
