import { createHmac, timingSafeEqual } from 'node:crypto';
import { S3Error } from '../../domain/s3-error.ts';
import type { Secret } from '../../domain/secret.ts';
import { headerBytes } from '../../operations/headers/header-text.ts';
import type { QueryPair, RequestHeaders } from '../parameters.ts';

/** A signature is 20 bytes in base64. */
const SIGNATURE = /^[A-Za-z0-9+/]{27}=$/;
const AMZ = /^x-amz-/i;
const LINE_BREAK = /[\r\n]/;

/**
 * The query parameters that are part of what is signed; all others are not.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html#ConstructingTheCanonicalizedResourceElement
 *   and, for what came after that page, `HmacV1Auth.QSAOfInterest` of botocore 1.44.
 */
export const SIGNED_PARAMETERS: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'defaultObjectAcl',
  'delete',
  'inventory',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'select',
  'select-type',
  'storageClass',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
]);

export interface SigV2Parts {
  readonly method: string;
  readonly headers: RequestHeaders;
  readonly dateLine: string;
  /** The bucket that the host names. */
  readonly hostBucket: string | undefined;
  /** The path as sent. */
  readonly rawPath: string;
  readonly query: readonly QueryPair[];
}

/**
 * What SigV2 signs of a request; one character a byte.
 *
 * The `x-amz-*` parameters of a query stand for headers (`operationHeaders`), so they are signed as if they were some:
 * what anybody could add to a signed URL must not count.
 */
export function stringToSignV2({ method, headers, dateLine, hostBucket, rawPath, query }: SigV2Parts): string {
  const plain = ['content-md5', 'content-type'].map((name) => (headers.raw(name) ?? '').trim());
  const bucket = hostBucket === undefined ? '' : `/${hostBucket}`;
  return [
    method,
    ...plain,
    dateLine.trim(),
    ...amzLines(headers, query),
    `${bucket}${rawPath}${subresources(query)}`,
  ].join('\n');
}

/** Whether `signature` is that of `message` (one character a byte), in a time that does not tell how much of it is right. */
export function verifySigV2(secret: Secret, { message, signature }: { message: string; signature: string }): boolean {
  const expected = createHmac('sha1', secret.reveal()).update(message, 'latin1').digest('base64');
  return SIGNATURE.test(signature) && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}

function amzLines(headers: RequestHeaders, query: readonly QueryPair[]): string[] {
  const values = new Map<string, string>();
  for (const [name, value] of query) {
    const lower = name.toLowerCase();
    if (AMZ.test(name) && !values.has(lower)) values.set(lower, oneLine(lower, value));
  }
  for (const name of headers.names()) {
    if (AMZ.test(name)) values.set(name, headers.raw(name) ?? '');
  }
  return [...values.keys()].sort().map((name) => `${name}:${(values.get(name) ?? '').trim()}`);
}

/** By name; values as they are, not percent-encoded. */
function subresources(query: readonly QueryPair[]): string {
  const signed = query.filter(([name]) => SIGNED_PARAMETERS.has(name));
  if (signed.length === 0) return '';
  signed.sort(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1));
  return `?${signed.map(([name, value]) => (value === '' ? name : `${name}=${oneLine(name, value)}`)).join('&')}`;
}

/** A line break would let one value pass for several that were signed. */
function oneLine(name: string, value: string): string {
  if (!LINE_BREAK.test(value)) return headerBytes(value);
  throw new S3Error('InvalidArgument', {
    message: `The query parameter ${name} holds a line break.`,
    elements: { ArgumentName: name },
  });
}
