import type { Tag } from './bucket.ts';
import { S3Error } from './s3-error.ts';

/** Most tags of an object, and of a bucket. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
export const OBJECT_TAGS_MAX = 10;
export const BUCKET_TAGS_MAX = 50;

/** Longest key and value, in UTF-16 units. */
const KEY_UNITS_MAX = 128;
const VALUE_UNITS_MAX = 256;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const RESERVED_PREFIX = /^aws:/i;

/** Sorts tags by key. Errors: InvalidTag 400 where they are none that may be. */
export function requireTags(tags: readonly Tag[], tagsMax: number): readonly Tag[] {
  if (tags.length > tagsMax) throw invalidTag(`There cannot be more than ${tagsMax} tags.`);
  for (const [key, value] of tags) requireTag(key, value);
  const byKey = new Map(tags);
  if (byKey.size < tags.length) throw invalidTag('Cannot provide multiple Tags with the same key');
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1));
}

function requireTag(key: string, value: string): void {
  if (key === '' || key.length > KEY_UNITS_MAX || !ALLOWED.test(key)) {
    throw invalidTag(
      'The TagKey you have provided is invalid: it has 1 to 128 letters, digits, spaces and _.:/=+-@',
      key,
    );
  }
  if (RESERVED_PREFIX.test(key)) throw invalidTag('System tags cannot be added/updated by requester', key);
  if (value.length > VALUE_UNITS_MAX || !ALLOWED.test(value)) {
    throw invalidTag(
      'The TagValue you have provided is invalid: it has at most 256 letters, digits, spaces and _.:/=+-@',
      key,
    );
  }
}

function invalidTag(message: string, key?: string): S3Error {
  const elements = key === undefined ? {} : { TagKey: key.slice(0, KEY_UNITS_MAX) };
  return new S3Error('InvalidTag', { message, elements });
}
