import { hash } from 'node:crypto';
import type { QueryPair, RequestHeaders } from '../parameters.ts';
import { percentDecode, percentEncode } from '../percent.ts';

const CANONICAL_PATH = /^[A-Za-z0-9\-._~/]*$/;
const SPACES = / {2,}/g;
const NON_ASCII = /[\u0080-\u00ff]/;
const ENCODED_SLASH = /%2F/g;

export interface CanonicalParts {
  readonly method: string;
  /** The path as sent. */
  readonly rawPath: string;
  readonly query: readonly QueryPair[];
  readonly headers: RequestHeaders;
  /** In place of the Host header; `undefined`: that header. */
  readonly host?: string | undefined;
  /** In the order of the signer, which is sorted. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
}

/**
 * What SigV4 signs of a request; one character a byte.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function canonicalRequest(parts: CanonicalParts): string {
  const { method, rawPath, query, headers, host, signedHeaders, payloadHash } = parts;
  let lines = `${method}\n${canonicalPath(rawPath)}\n${canonicalQuery(query)}\n`;
  for (const name of signedHeaders) {
    const raw = name === 'host' && host !== undefined ? host : headers.raw(name);
    lines += `${name}:${canonicalValue(raw ?? '')}\n`;
  }
  return `${lines}\n${signedHeaders.join(';')}\n${payloadHash}`;
}

/** The lower-case hex SHA-256 of a canonical request. */
export function hashCanonical(canonical: string): string {
  return hash('sha256', NON_ASCII.test(canonical) ? Buffer.from(canonical, 'latin1') : canonical, 'hex');
}

/** Decoded once and encoded again with slashes kept: dots and double slashes stay, unlike for other services. */
function canonicalPath(rawPath: string): string {
  if (CANONICAL_PATH.test(rawPath)) return rawPath;
  return percentEncode(percentDecode(rawPath) ?? '').replace(ENCODED_SLASH, '/');
}

/** By encoded name, then by encoded value. */
function canonicalQuery(pairs: readonly QueryPair[]): string {
  if (pairs.length === 0) return '';
  const encoded = pairs.map(([name, value]): QueryPair => [percentEncode(name), percentEncode(value)]);
  encoded.sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB));
  return encoded.map(([name, value]) => `${name}=${value}`).join('&');
}

function canonicalValue(raw: string): string {
  return raw.includes('  ') ? raw.trim().replace(SPACES, ' ') : raw.trim();
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
