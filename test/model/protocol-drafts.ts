import { createHash } from 'node:crypto';
import type { WriteCondition } from '../../src/domain/condition.ts';
import { etagOfMd5 } from '../../src/domain/etag.ts';
import { type BucketId, parseBucketId } from '../../src/domain/names.ts';
import type { VersionDraft } from '../../src/stores/metastore.ts';
import { inlineDraft } from '../contract/drafts.ts';
import { ABSENT, type Expectation, type Value } from '../history/history.ts';

export function sideBucketOf(index: number): BucketId {
  return parseBucketId(index.toString(16).padStart(32, 'c'));
}

export function draftOf(key: string, stamp: string): VersionDraft {
  const etag = etagOfMd5(createHash('md5').update(`${key} ${stamp}`).digest());
  return { ...inlineDraft(key, stamp), etag };
}

export function expectationOf(random: number, known: Value): Expectation | undefined {
  if (random < 0.6) return undefined;
  return known === ABSENT || random < 0.75 ? { kind: 'absent' } : { kind: 'match', value: known };
}

export function conditionOf(expected: Expectation | undefined): WriteCondition {
  if (expected === undefined) return {};
  return expected.kind === 'absent' ? ({ ifNoneMatch: '*' } as const) : { ifMatch: [parseValue(expected.value)] };
}

function parseValue(value: Value): VersionDraft['etag'] {
  return value as VersionDraft['etag'];
}
