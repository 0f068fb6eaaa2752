import type { ETag } from './etag.ts';

/** `*` matches any version that is no delete marker. */
export type ETagMatch = '*' | readonly ETag[];

/**
 * What must hold of the version that a write replaces (a put, a complete, a copy, a delete: the current
 * one; a delete of one version: that one). A store checks it in the same step as it writes.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 */
export interface WriteCondition {
  readonly ifMatch?: ETagMatch;
  readonly ifNoneMatch?: ETagMatch;
  /** Bytes; deletes only (`x-amz-if-match-size`). */
  readonly ifMatchSizeBytes?: number;
  /** Whole seconds since 1970; deletes only (`x-amz-if-match-last-modified-time`). */
  readonly ifMatchLastModifiedSeconds?: number;
}

/** The condition that always holds. */
export const UNCONDITIONAL: WriteCondition = {};

/** What a condition looks at: a version that is no delete marker. */
export interface ConditionSubject {
  readonly etag: ETag;
  readonly sizeBytes: number;
  readonly lastModifiedMs: number;
}

/** `absent`: the condition asks for a version and there is none (S3 answers 404, not 412). */
export type ConditionResult = 'holds' | 'failed' | 'absent';

/** Whether `condition` holds of `subject`, which is `undefined` for a missing key or a delete marker. */
export function checkWriteCondition(condition: WriteCondition, subject: ConditionSubject | undefined): ConditionResult {
  const { ifMatch, ifNoneMatch, ifMatchSizeBytes, ifMatchLastModifiedSeconds } = condition;
  if (subject === undefined) {
    const asksForOne =
      ifMatch !== undefined || ifMatchSizeBytes !== undefined || ifMatchLastModifiedSeconds !== undefined;
    return asksForOne ? 'absent' : 'holds';
  }
  if (ifMatch !== undefined && !matches(ifMatch, subject.etag)) return 'failed';
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, subject.etag)) return 'failed';
  if (ifMatchSizeBytes !== undefined && ifMatchSizeBytes !== subject.sizeBytes) return 'failed';
  if (
    ifMatchLastModifiedSeconds !== undefined &&
    ifMatchLastModifiedSeconds !== Math.floor(subject.lastModifiedMs / 1000)
  ) {
    return 'failed';
  }
  return 'holds';
}

function matches(match: ETagMatch, etag: ETag): boolean {
  return match === '*' || match.includes(etag);
}
