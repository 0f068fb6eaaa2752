import { expect, test } from 'vitest';
import { s3Request } from '../../../test/support/s3-request.ts';
import { parseETag } from '../../domain/etag.ts';
import {
  checkReadConditions,
  deleteCondition,
  parseETagMatch,
  parseTimestampSeconds,
  readConditions,
  writeCondition,
} from './conditions.ts';

const MODIFIED = 'Sun, 06 Nov 1994 08:49:37 GMT';
const BEFORE = 'Sun, 06 Nov 1994 08:49:36 GMT';
const AFTER = 'Sun, 06 Nov 1994 08:49:38 GMT';
/** The version has the ETag `abc` and was written within the second `MODIFIED`. */
const VERSION = { etag: etag('abc'), lastModifiedMs: Date.parse(MODIFIED) + 999 };

const READS: readonly (readonly [headers: Readonly<Record<string, string>>, verdict: string])[] = [
  [{}, 'holds'],
  [{ 'if-match': '"abc"' }, 'holds'],
  [{ 'if-match': 'abc' }, 'holds'],
  [{ 'if-match': '*' }, 'holds'],
  [{ 'if-match': '"x", "abc"' }, 'holds'],
  [{ 'if-match': '"x"' }, 'failed'],
  [{ 'if-match': 'W/"abc"' }, 'failed'],
  [{ 'if-none-match': '"abc"' }, 'not-modified'],
  [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
  [{ 'if-none-match': '*' }, 'not-modified'],
  [{ 'if-none-match': '"x"' }, 'holds'],
  [{ 'if-modified-since': MODIFIED }, 'not-modified'],
  [{ 'if-modified-since': AFTER }, 'not-modified'],
  [{ 'if-modified-since': BEFORE }, 'holds'],
  [{ 'if-modified-since': 'yesterday' }, 'holds'],
  [{ 'if-unmodified-since': MODIFIED }, 'holds'],
  [{ 'if-unmodified-since': BEFORE }, 'failed'],
  [{ 'if-unmodified-since': 'yesterday' }, 'holds'],
  [{ 'if-match': '""' }, 'failed'],
  [{ 'if-none-match': '""' }, 'holds'],
  [{ 'if-none-match': '"", "abc"' }, 'not-modified'],
  // A condition on the ETag outranks the one on the time.
  [{ 'if-match': '"abc"', 'if-unmodified-since': BEFORE }, 'holds'],
  [{ 'if-match': '"x"', 'if-unmodified-since': AFTER }, 'failed'],
  [{ 'if-none-match': '"x"', 'if-modified-since': AFTER }, 'holds'],
  [{ 'if-none-match': '"abc"', 'if-modified-since': BEFORE }, 'not-modified'],
  // Failure comes before not-modified.
  [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 'failed'],
  [{ 'if-unmodified-since': BEFORE, 'if-none-match': '"abc"' }, 'failed'],
  [{ 'if-match': '"abc"', 'if-none-match': '"abc"' }, 'not-modified'],
];

test.each(READS)('a read with %o is %s', (headers, verdict) => {
  expect(checkReadConditions(readConditions(s3Request({ headers })), VERSION)).toBe(verdict);
});

test('the conditions of a copy source stand in headers of their own', () => {
  const headers = { 'x-amz-copy-source-if-match': '"x"', 'if-none-match': '*' };
  expect(readConditions(s3Request({ headers }), 'x-amz-copy-source-')).toEqual({ ifMatch: ['x'] });
});

test('a write condition has the ETags of If-Match and If-None-Match', () => {
  expect(writeCondition(s3Request())).toEqual({});
  expect(writeCondition(s3Request({ headers: { 'if-none-match': '*' } }))).toEqual({ ifNoneMatch: '*' });
  expect(writeCondition(s3Request({ headers: { 'if-match': '"a"', 'if-none-match': '"b","c"' } }))).toEqual({
    ifMatch: ['a'],
    ifNoneMatch: ['b', 'c'],
  });
});

test('an If-Match of weak ETags alone matches nothing', () => {
  expect(writeCondition(s3Request({ headers: { 'if-match': 'W/"a"' } }))).toEqual({ ifMatch: [] });
});

test('a delete condition has ETag, size and time', () => {
  const headers = {
    'if-match': '*',
    'x-amz-if-match-size': '12',
    'x-amz-if-match-last-modified-time': MODIFIED,
  };
  expect(deleteCondition(s3Request({ headers }))).toEqual({
    ifMatch: '*',
    ifMatchSizeBytes: 12,
    ifMatchLastModifiedSeconds: Date.parse(MODIFIED) / 1000,
  });
});

test.each([
  { 'x-amz-if-match-size': '-1' },
  { 'x-amz-if-match-size': '1e3' },
  { 'x-amz-if-match-size': '' },
  { 'x-amz-if-match-last-modified-time': 'soon' },
  { 'if-match': '' },
])('DeleteObject refuses %o', (headers) => {
  expect(() => deleteCondition(s3Request({ headers }))).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
});

test.each([
  ['"a,b"', ['a,b']],
  ['"a" , "b"', ['a', 'b']],
  ['a,b', ['a', 'b']],
  ['W/"a", "b"', ['b']],
])('If-Match %s holds the ETags %o', (text, etags) => {
  expect(parseETagMatch('If-Match', text, 'strong')).toEqual(etags);
});

test.each(['', '"', 'a"b', '"a" b'])('If-Match %o is refused', (text) => {
  expect(() => parseETagMatch('If-Match', text, 'strong')).toThrow('If-Match must be * or a list of ETags.');
});

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', 784111777],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 784111777],
  ['Sun Nov  6 08:49:37 1994', 784111777],
  ['1994-11-06T08:49:37Z', 784111777],
  ['1994-11-06T08:49:37.999Z', 784111777],
  ['1994-11-06T09:49:37+01:00', 784111777],
  ['784111777', undefined],
  ['1994', undefined],
  ['Sun, 99 Nov 1994 08:49:37 GMT', undefined],
])('the time %s is %s', (text, seconds) => {
  expect(parseTimestampSeconds(text)).toBe(seconds);
});

function etag(text: string) {
  const parsed = parseETag(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
}
