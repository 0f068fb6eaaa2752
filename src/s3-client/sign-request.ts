import { createHash, createHmac } from 'node:crypto';
import type { Secret } from '../domain/secret.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
const RESERVED_LEFT_BY_URI_ENCODING = /[!'()*]/g;
const EMPTY_SHA256 = sha256('');

/** The key pair that an endpoint knows. */
export interface EndpointKey {
  readonly accessKeyId: string;
  readonly secret: Secret;
  readonly sessionToken: string | undefined;
}

export interface UnsignedRequest {
  readonly method: string;
  /** As it goes on the wire. */
  readonly path: string;
  /** As it goes on the wire, without the question mark; its names in order. */
  readonly query: string;
  readonly host: string;
  /** The SHA-256 of the body, in hexadecimal; there is none unless given. */
  readonly bodySha256?: string | undefined;
}

/**
 * The headers that sign a request by SigV4.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signingHeaders(
  { method, path, query, host, bodySha256 = EMPTY_SHA256 }: UnsignedRequest,
  { key, region, atMs }: { readonly key: EndpointKey; readonly region: string; readonly atMs: number },
): Readonly<Record<string, string>> {
  const timestamp = new Date(atMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const date = timestamp.slice(0, 8);
  const headers: Record<string, string> = {
    host,
    'x-amz-content-sha256': bodySha256,
    'x-amz-date': timestamp,
    ...(key.sessionToken !== undefined && { 'x-amz-security-token': key.sessionToken }),
  };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = [method, path, query, lines.join(''), names, bodySha256].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = [ALGORITHM, timestamp, scope, sha256(canonical)].join('\n');
  const signingKey = [date, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${key.secret.reveal()}`);
  const signature = hmac(signingKey, toSign).toString('hex');
  const credential = `${key.accessKeyId}/${scope}`;
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** A query as SigV4 wants it: encoded, sorted by name. */
export function canonicalQuery(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .toSorted()
    .join('&');
}

/** Percent-encodes all but the unreserved characters; a slash stays. */
export function encodePath(text: string): string {
  return text.split('/').map(percentEncode).join('/');
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    RESERVED_LEFT_BY_URI_ENCODING,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
