import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** SigV4 written a second time, from its documentation alone: what the server's own code is held against. */

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SignableRequest {
  readonly method: string;
  /** As it goes on the wire. */
  readonly path: string;
  /** Decoded; encoded here. */
  readonly query?: readonly (readonly [name: string, value: string])[];
  /** By lower-case name; `host` is a must. All are signed unless `signedHeaders` says which. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signedHeaders?: readonly string[];
  /** The canonical path where it is not the path itself. */
  readonly canonicalPath?: string;
}

export interface SigningContext {
  readonly keys: KeyPair;
  readonly atMs: number;
  readonly region?: string;
  readonly service?: string;
}

export interface Signature {
  readonly signature: string;
  readonly timestamp: string;
  readonly scope: string;
  readonly signedHeaders: string;
}

export const UNSIGNED = 'UNSIGNED-PAYLOAD';
export const STREAMING_SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
export const STREAMING_SIGNED_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
export const STREAMING_UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

/** The headers of `request` with `x-amz-date`, `x-amz-content-sha256` and `authorization`. */
export function signByHeader(
  request: SignableRequest,
  payloadHash: string,
  context: SigningContext,
): { readonly headers: Record<string, string>; readonly seed: Signature } {
  const timestamp = timestampOf(context.atMs);
  const headers: Record<string, string> = {
    'x-amz-date': timestamp,
    'x-amz-content-sha256': payloadHash,
    ...request.headers,
  };
  const seed = signatureOf({ ...request, headers }, payloadHash, context);
  const credential = `${context.keys.accessKeyId}/${seed.scope}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${seed.signedHeaders}, Signature=${seed.signature}`;
  return { headers: { ...headers, authorization }, seed };
}

/** The path and query of a presigned URL. */
export function presign(
  request: SignableRequest,
  { expiresSeconds, ...context }: SigningContext & { readonly expiresSeconds: number | string },
  payloadHash = UNSIGNED,
): string {
  const timestamp = timestampOf(context.atMs);
  const names = request.signedHeaders ?? Object.keys(request.headers).sort();
  const query: (readonly [string, string])[] = [
    ...(request.query ?? []),
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${context.keys.accessKeyId}/${scopeOf(context)}`],
    ['X-Amz-Date', timestamp],
    ['X-Amz-Expires', String(expiresSeconds)],
    ['X-Amz-SignedHeaders', names.join(';')],
  ];
  const { signature } = signatureOf({ ...request, query }, payloadHash, context);
  return `${request.path}?${queryText([...query, ['X-Amz-Signature', signature]])}`;
}

export interface ChunkedBody {
  readonly chunks: readonly Uint8Array[];
  readonly trailers?: readonly (readonly [name: string, value: string])[] | undefined;
  /** Where chunks are signed. */
  readonly seed?: Signature;
}

/** A body in `aws-chunked` framing, signed where there is a seed. */
export function awsChunked({ chunks, trailers, seed }: ChunkedBody, context: SigningContext): Buffer {
  const pieces: Uint8Array[] = [];
  let previous = seed?.signature ?? '';
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    let line = chunk.length.toString(16);
    if (seed !== undefined) {
      previous = chainSignature('AWS4-HMAC-SHA256-PAYLOAD', previous, seed, context, `${sha256('')}\n${sha256(chunk)}`);
      line += `;chunk-signature=${previous}`;
    }
    pieces.push(Buffer.from(`${line}\r\n`), chunk);
    if (chunk.length > 0) pieces.push(Buffer.from('\r\n'));
  }
  for (const [name, value] of trailers ?? []) pieces.push(Buffer.from(`${name}:${value}\r\n`));
  if (trailers !== undefined && seed !== undefined) {
    const canonical = trailers.map(([name, value]) => `${name}:${value}\n`).join('');
    const signature = chainSignature('AWS4-HMAC-SHA256-TRAILER', previous, seed, context, sha256(canonical));
    pieces.push(Buffer.from(`x-amz-trailer-signature:${signature}\r\n`));
  }
  pieces.push(Buffer.from('\r\n'));
  return Buffer.concat(pieces);
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

export function timestampOf(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

export function queryText(query: readonly (readonly [string, string])[]): string {
  return query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
}

/** Percent-encodes what a path needs, slashes kept. */
export function encodePath(path: string): string {
  return encode(path).replaceAll('%2F', '/');
}

function signatureOf(request: SignableRequest, payloadHash: string, context: SigningContext): Signature {
  const { method, path, canonicalPath = path, query = [], headers } = request;
  const names = request.signedHeaders ?? Object.keys(headers).sort();
  const canonicalQuery = query
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => order(nameA, nameB) || order(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const canonicalHeaders = names
    .map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
    .join('');
  const canonical = [method, canonicalPath, canonicalQuery, canonicalHeaders, names.join(';'), payloadHash].join('\n');
  const timestamp = headers['x-amz-date'] ?? timestampOf(context.atMs);
  const scope = scopeOf(context);
  const stringToSign = ['AWS4-HMAC-SHA256', timestamp, scope, sha256(Buffer.from(canonical, 'latin1'))].join('\n');
  return {
    signature: hmac(signingKey(context), stringToSign).toString('hex'),
    timestamp,
    scope,
    signedHeaders: names.join(';'),
  };
}

function chainSignature(
  algorithm: string,
  previous: string,
  seed: Signature,
  context: SigningContext,
  hashes: string,
): string {
  const stringToSign = [algorithm, seed.timestamp, seed.scope, previous, hashes].join('\n');
  return hmac(signingKey(context), stringToSign).toString('hex');
}

function scopeOf({ atMs, region = 'us-east-1', service = 's3' }: SigningContext): string {
  return `${timestampOf(atMs).slice(0, 8)}/${region}/${service}/aws4_request`;
}

const signingKeys = new Map<string, KeyObject>();

function signingKey({ keys, atMs, region = 'us-east-1', service = 's3' }: SigningContext): KeyObject {
  const parts = [timestampOf(atMs).slice(0, 8), region, service, 'aws4_request'];
  const name = [keys.secretAccessKey, ...parts].join('/');
  const key =
    signingKeys.get(name) ?? createSecretKey(parts.reduce<Buffer>(hmac, Buffer.from(`AWS4${keys.secretAccessKey}`)));
  signingKeys.set(name, key);
  return key;
}

function hmac(key: Buffer | KeyObject, message: string): Buffer {
  return createHmac('sha256', key).update(message).digest();
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
