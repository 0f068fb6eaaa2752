import type { Bucket, BucketConfiguration, VersioningStatus } from '../../domain/bucket.ts';
import { type BucketName, parseBucketId, parseRegionName } from '../../domain/names.ts';
import { StoreError } from '../store.ts';
import { ID_DIGITS, readChoice, readOwner, writeChoice, writeOwner } from './description-rows.ts';
import type { RowReader, RowWriter } from './row-codec.ts';

// Stored as the place in this list: a new one goes to the end.
const VERSIONING: readonly VersioningStatus[] = ['unversioned', 'enabled', 'suspended'];

/**
 * Longest row of a bucket, in bytes: a policy of 20 KiB, CORS rules of 64 KiB and an ACL, each at its largest, fit, in
 * JSON that may escape what it quotes.
 */
export const BUCKET_ROW_BYTES_MAX = 240_000;

export function writeBucket(row: RowWriter, bucket: Bucket): void {
  const { id, name, owner, region, createdAtMs, configuration, revision } = bucket;
  row.hex(id).text(name);
  writeOwner(row, owner);
  row.text(region).integer(createdAtMs);
  const { versioning, ...settings } = configuration;
  writeChoice(row, VERSIONING, versioning);
  row.integer(revision);
  const text = JSON.stringify(settings);
  if (text !== '{}') row.text(text);
}

export function readBucket(row: RowReader): Bucket {
  const id = parseBucketId(row.hex(ID_DIGITS));
  const name = parseBucketNameRow(row);
  const owner = readOwner(row);
  const region = parseRegionName(row.text());
  if (region === undefined) throw new StoreError('corrupt', `Bucket ${name} is in no region.`);
  const createdAtMs = row.integer();
  const versioning = readChoice(row, VERSIONING);
  const revision = row.integer();
  const configuration = { versioning, ...(row.hasMore ? parseSettings(row.text()) : {}) };
  return { id, name, owner, region, createdAtMs, configuration, revision };
}

/** What was written, as the row's checksum proves. */
function parseSettings(text: string): Omit<BucketConfiguration, 'versioning'> {
  return JSON.parse(text) as Omit<BucketConfiguration, 'versioning'>;
}

/** A name that older rules allowed is a name. */
function parseBucketNameRow(row: RowReader): BucketName {
  return row.text() as BucketName;
}
