import type { Bucket } from '../../domain/bucket.ts';
import type { WriteCondition } from '../../domain/condition.ts';
import type { ObjectKey, VersionId } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { DeleteDraft } from '../../stores/metastore.ts';
import { throwBucketClosed } from '../bucket-closed.ts';
import type { ContextOf } from '../operation.ts';
import { conditionError } from '../version-outcome.ts';

/** What to delete: one version for good, or without `versionId` what the key shows. */
export interface DeleteTarget {
  readonly key: ObjectKey;
  readonly versionId: VersionId | undefined;
  readonly condition: WriteCondition;
}

/** What a delete did; deleting what is not there succeeds and leaves no trace but perhaps a marker. */
export interface Deleted {
  /** The version named by the client. */
  readonly versionId: VersionId | undefined;
  /** The delete marker that was made, or removed for good. */
  readonly markerVersionId: VersionId | undefined;
}

/** S3 lets a delete succeed whose condition on size or time finds no object; only If-Match wants one. */
const NOTHING_DELETED: Deleted = { versionId: undefined, markerVersionId: undefined };

/**
 * Deletes as the versioning of `bucket` has it: removes the object, hides it under a delete marker, or removes the
 * version that was named. `bucket` must be fresh.
 * Throws PreconditionFailed 412; NoSuchKey 404 (If-Match and no object); AccessDenied (locked); NoSuchBucket.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
 */
export async function deleteTarget(
  context: ContextOf<'bucket'>,
  bucket: Bucket,
  target: DeleteTarget,
): Promise<Deleted> {
  const { versionId } = target;
  return versionId === undefined
    ? deleteCurrent(context, bucket, target)
    : deleteVersion(context, bucket, { ...target, versionId });
}

async function deleteCurrent(context: ContextOf<'bucket'>, bucket: Bucket, target: DeleteTarget): Promise<Deleted> {
  const { region, clock, signal } = context;
  const { key, condition } = target;
  const draft = { key, mode: deleteMode(bucket), lastModifiedMs: clock.nowMs(), owner: bucket.owner };
  const outcome = await region.meta.deleteCurrent(bucket.id, draft, condition, { signal });
  switch (outcome.kind) {
    case 'deleted':
      return { versionId: undefined, markerVersionId: outcome.marker?.versionId };
    case 'condition-failed':
      if (outcome.reason === 'absent' && condition.ifMatch === undefined) return NOTHING_DELETED;
      throw conditionError(outcome, target);
    case 'bucket-closed':
      return throwBucketClosed(context, key);
  }
}

async function deleteVersion(
  context: ContextOf<'bucket'>,
  bucket: Bucket,
  target: DeleteTarget & { readonly versionId: VersionId },
): Promise<Deleted> {
  const { region, clock, signal } = context;
  const { key, versionId, condition } = target;
  const guard = { condition, nowMs: clock.nowMs(), bypassGovernance: false };
  const outcome = await region.meta.deleteVersion({ bucketId: bucket.id, key, versionId }, guard, { signal });
  switch (outcome.kind) {
    case 'deleted':
      return { versionId, markerVersionId: outcome.was === 'delete-marker' ? versionId : undefined };
    case 'not-found':
      return { versionId, markerVersionId: undefined };
    case 'locked':
      throw new S3Error('AccessDenied', {
        message: 'Access Denied because object protected by object lock.',
        elements: { Key: key, VersionId: versionId },
      });
    case 'condition-failed':
      if (outcome.reason === 'absent') return { versionId, markerVersionId: undefined };
      throw conditionError(outcome, target);
    case 'bucket-closed':
      return throwBucketClosed(context, key);
  }
}

function deleteMode(bucket: Bucket): DeleteDraft['mode'] {
  switch (bucket.configuration.versioning) {
    case 'unversioned':
      return 'remove';
    case 'suspended':
      return 'null-marker';
    case 'enabled':
      return 'new-marker';
  }
}
