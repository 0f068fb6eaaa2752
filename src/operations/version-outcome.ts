import type { Bucket } from '../domain/bucket.ts';
import type { WriteCondition } from '../domain/condition.ts';
import type { ObjectKey } from '../domain/names.ts';
import type { StoredObject } from '../domain/object-version.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { ConditionFailed, PutOutcome, VersionSlot } from '../stores/metastore.ts';
import { throwBucketClosed } from './bucket-closed.ts';
import type { ContextOf } from './operation.ts';

/** Where new versions of a bucket's keys go. */
export function versionSlot(bucket: Bucket): VersionSlot {
  return bucket.configuration.versioning === 'enabled' ? 'new' : 'null';
}

/** What a write was about, for the error that tells of its failure. */
export interface Attempt {
  readonly key: ObjectKey;
  readonly condition: WriteCondition;
}

/**
 * The version that `putVersion` stored.
 * Throws PreconditionFailed 412, NoSuchKey 404 (If-Match and no object), NoSuchBucket, ServiceUnavailable (`blob-gone`).
 */
export async function requireStored(
  context: ContextOf<'object'>,
  outcome: PutOutcome,
  attempt: Attempt,
): Promise<StoredObject> {
  switch (outcome.kind) {
    case 'stored':
      return outcome.version;
    case 'condition-failed':
      throw conditionError(outcome, attempt);
    case 'bucket-closed':
      return throwBucketClosed(context, attempt.key);
    case 'blob-gone':
      throw new S3Error('ServiceUnavailable', {
        message: 'The request took so long that its bytes were taken back. Send it again.',
      });
  }
}

/** PreconditionFailed, or NoSuchKey where the condition asked for an object and there is none. */
export function conditionError({ reason }: ConditionFailed, { key, condition }: Attempt): S3Error {
  if (reason === 'absent') return new S3Error('NoSuchKey', { elements: { Key: key } });
  const name = condition.ifMatch === undefined && condition.ifNoneMatch !== undefined ? 'If-None-Match' : 'If-Match';
  return new S3Error('PreconditionFailed', { elements: { Condition: name, Key: key } });
}
