import { createHmac } from 'node:crypto';
import type { KeyPair, SignableRequest } from './sign.ts';

/** SigV2 written a second time, from its documentation alone: what the server's own code is held against. */

/** The parameters of the documentation and of botocore that are part of what is signed. */
const SUBRESOURCES =
  /^(?:accelerate|acl|analytics|cors|defaultObjectAcl|delete|inventory|lifecycle|location|logging|metrics|notification|object-lock|partNumber|policy|replication|requestPayment|response-(?:cache-control|content-disposition|content-encoding|content-language|content-type|expires)|restore|select|select-type|storageClass|tagging|torrent|uploadId|uploads|versionId|versioning|versions|website)$/;

export interface OldSigning {
  readonly keys: KeyPair;
  readonly atMs: number;
  /** The bucket where the host names it. */
  readonly hostBucket?: string;
}

/** The headers of `request` with `authorization`, and with a `date` unless there is one of any kind. */
export function signV2ByHeader(
  request: SignableRequest,
  { keys, atMs, hostBucket }: OldSigning,
): Record<string, string> {
  const isDated = 'date' in request.headers || 'x-amz-date' in request.headers;
  const headers: Record<string, string> = isDated
    ? { ...request.headers }
    : { ...request.headers, date: new Date(atMs).toUTCString() };
  const date = 'x-amz-date' in headers ? '' : (headers['date'] ?? '');
  const signature = signV2(textToSign({ ...request, headers }, date, hostBucket), keys);
  return { ...headers, authorization: `AWS ${keys.accessKeyId}:${signature}` };
}

/** The path and query of a URL signed by SigV2. */
export function presignV2(
  request: SignableRequest,
  { keys, atMs, hostBucket, expiresSeconds }: OldSigning & { readonly expiresSeconds: number },
): string {
  const expires = String(Math.floor(atMs / 1000) + expiresSeconds);
  const signature = signV2(textToSign(request, expires, hostBucket), keys);
  const query = [
    ...(request.query ?? []),
    ['AWSAccessKeyId', keys.accessKeyId],
    ['Expires', expires],
    ['Signature', signature],
  ];
  return `${request.path}?${query.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`).join('&')}`;
}

export function signV2(text: string, { secretAccessKey }: Pick<KeyPair, 'secretAccessKey'>): string {
  return createHmac('sha1', secretAccessKey).update(text).digest('base64');
}

function textToSign(request: SignableRequest, date: string, hostBucket: string | undefined): string {
  const { method, path, headers, query = [] } = request;
  const amz = Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort()
    .map((name) => `${name}:${headers[name] ?? ''}\n`)
    .join('');
  const subresources = query
    .filter(([name]) => SUBRESOURCES.test(name))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .sort();
  const resource = `${hostBucket === undefined ? '' : `/${hostBucket}`}${path}`;
  return [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    date,
    `${amz}${resource}${subresources.length === 0 ? '' : `?${subresources.join('&')}`}`,
  ].join('\n');
}
