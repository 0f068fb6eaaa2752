import { type ETagMatch, UNCONDITIONAL, type WriteCondition } from '../../domain/condition.ts';
import { type ETag, parseETag } from '../../domain/etag.ts';
import type { S3Request } from '../request.ts';
import { integerHeader, invalidArgument } from './parameters.ts';

/** `Sun, 06 Nov 1994 08:49:37 GMT`, its two obsolete forms, or `1994-11-06T08:49:37.000Z`. */
const TIMESTAMP =
  /^(?:[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|\+0000)|[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))$/;

const ASCTIME = /^[A-Z][a-z]{2} /;
const NO_CONDITIONS: ReadConditions = {};

/**
 * What the current version must be for a put, a complete or a copy: If-Match and If-None-Match, each `*` or ETags.
 * S3 itself takes only `*` in If-None-Match; ETags there are an extension that Ceph has too.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function writeCondition(request: S3Request): WriteCondition {
  const ifMatch = request.headers.get('if-match');
  const ifNoneMatch = request.headers.get('if-none-match');
  if (ifMatch === undefined && ifNoneMatch === undefined) return UNCONDITIONAL;
  return {
    ...(ifMatch !== undefined && { ifMatch: parseETagMatch('If-Match', ifMatch, 'strong') }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: parseETagMatch('If-None-Match', ifNoneMatch, 'weak') }),
  };
}

/**
 * What the version must be that DeleteObject removes or hides: If-Match, and two of Pithos' extensions to general
 * purpose buckets, x-amz-if-match-size and x-amz-if-match-last-modified-time.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
 */
export function deleteCondition(request: S3Request): WriteCondition {
  const ifMatch = request.headers.get('if-match');
  const size = integerHeader(request, 'x-amz-if-match-size', { min: 0, max: Number.MAX_SAFE_INTEGER });
  const time = request.headers.get('x-amz-if-match-last-modified-time');
  if (ifMatch === undefined && size === undefined && time === undefined) return UNCONDITIONAL;
  return {
    ...(ifMatch !== undefined && { ifMatch: parseETagMatch('If-Match', ifMatch, 'strong') }),
    ...(size !== undefined && { ifMatchSizeBytes: size }),
    ...(time !== undefined && {
      ifMatchLastModifiedSeconds: requireTimestampSeconds('x-amz-if-match-last-modified-time', time),
    }),
  };
}

/** What a version must be for GetObject, HeadObject, or the source of a copy. Times are whole seconds since 1970. */
export interface ReadConditions {
  readonly ifMatch?: ETagMatch;
  readonly ifNoneMatch?: ETagMatch;
  readonly ifModifiedSinceSeconds?: number;
  readonly ifUnmodifiedSinceSeconds?: number;
}

/** `not-modified`: the client's copy is as good (304; 412 for the source of a copy). `failed`: 412. */
export type ReadVerdict = 'holds' | 'not-modified' | 'failed';

/**
 * The four conditional headers of a read, or those of a copy's source with `prefix` `x-amz-copy-source-`.
 * A time that is no time is ignored, as RFC 9110 wants it; an ETag that is none matches nothing.
 */
export function readConditions(request: S3Request, prefix: '' | 'x-amz-copy-source-' = ''): ReadConditions {
  const { headers } = request;
  const ifMatch = headers.get(`${prefix}if-match`);
  const ifNoneMatch = headers.get(`${prefix}if-none-match`);
  const modified = parseTimestampSeconds(headers.get(`${prefix}if-modified-since`));
  const unmodified = parseTimestampSeconds(headers.get(`${prefix}if-unmodified-since`));
  if (ifMatch === undefined && ifNoneMatch === undefined && modified === undefined && unmodified === undefined) {
    return NO_CONDITIONS;
  }
  return {
    ...(ifMatch !== undefined && { ifMatch: readETagMatch(ifMatch, 'strong').match }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: readETagMatch(ifNoneMatch, 'weak').match }),
    ...(modified !== undefined && { ifModifiedSinceSeconds: modified }),
    ...(unmodified !== undefined && { ifUnmodifiedSinceSeconds: unmodified }),
  };
}

/**
 * Whether `conditions` hold of a version, in the order of RFC 9110: If-Match outranks If-Unmodified-Since, and
 * If-None-Match outranks If-Modified-Since.
 * Source: https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
 */
export function checkReadConditions(
  conditions: ReadConditions,
  version: { readonly etag: ETag; readonly lastModifiedMs: number },
): ReadVerdict {
  const { ifMatch, ifNoneMatch, ifModifiedSinceSeconds, ifUnmodifiedSinceSeconds } = conditions;
  const modifiedSeconds = Math.floor(version.lastModifiedMs / 1000);
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, version.etag)) return 'failed';
  } else if (ifUnmodifiedSinceSeconds !== undefined && modifiedSeconds > ifUnmodifiedSinceSeconds) {
    return 'failed';
  }
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, version.etag) ? 'not-modified' : 'holds';
  if (ifModifiedSinceSeconds !== undefined && modifiedSeconds <= ifModifiedSinceSeconds) return 'not-modified';
  return 'holds';
}

/**
 * `*`, or a list of ETags, quoted or not, as a write's condition. Throws InvalidArgument for what is neither: a write
 * must not go ahead under a condition that was not understood.
 */
export function parseETagMatch(name: string, text: string, comparison: Comparison): ETagMatch {
  const { match, isWellFormed } = readETagMatch(text, comparison);
  if (isWellFormed) return match;
  throw invalidArgument(name, text, `${name} must be * or a list of ETags.`);
}

/** A weak ETag (`W/"…"`) never matches strongly, so `strong` drops it and `weak` takes it without its mark. */
type Comparison = 'strong' | 'weak';

/** The whole seconds of a time in the format of HTTP or ISO 8601, or `undefined` where it is none. */
export function parseTimestampSeconds(text: string | undefined): number | undefined {
  if (text === undefined || !TIMESTAMP.test(text)) return undefined;
  // The form of C's asctime names no zone and is in GMT all the same.
  const ms = Date.parse(ASCTIME.test(text) ? `${text} GMT` : text);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

/** As `parseTimestampSeconds`. Throws InvalidArgument. */
export function requireTimestampSeconds(name: string, text: string): number {
  const seconds = parseTimestampSeconds(text);
  if (seconds !== undefined) return seconds;
  throw invalidArgument(name, text, `${name} must be a date such as Sun, 06 Nov 1994 08:49:37 GMT.`);
}

function matches(match: ETagMatch, etag: ETag): boolean {
  return match === '*' || match.includes(etag);
}

function readETagMatch(
  text: string,
  comparison: Comparison,
): { readonly match: ETagMatch; readonly isWellFormed: boolean } {
  if (text.trim() === '*') return { match: '*', isWellFormed: true };
  const etags: ETag[] = [];
  const items = splitList(text);
  let isWellFormed = items.length > 0;
  for (const item of items) {
    const isWeak = item.startsWith('W/');
    const etag = parseETag(isWeak ? item.slice(2) : item);
    if (etag === undefined) isWellFormed = false;
    else if (!isWeak || comparison === 'weak') etags.push(etag);
  }
  return { match: etags, isWellFormed };
}

/** The items of a list, parted by commas that stand outside quotes. */
function splitList(text: string): string[] {
  if (!text.includes(',')) return [text.trim()];
  const items = text.match(/(?:W\/)?"[^"]*"|[^,]+/g) ?? [];
  return items.map((item) => item.trim()).filter((item) => item !== '');
}
