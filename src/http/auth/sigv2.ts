import { S3Error } from '../../domain/s3-error.ts';
import type { QueryParameters, RequestHeaders } from '../parameters.ts';
import { selectsOperation } from '../route.ts';
import { SIGNING_ALGORITHM, type SigV2Claim, SKEW_MAX_MS } from './claim.ts';
import { UNSIGNED_PAYLOAD } from './payload-mode.ts';
import { SIGNED_PARAMETERS } from './sigv2-string.ts';
import { parseDateHeader } from './timestamp.ts';

/** The scheme of the `Authorization` header. */
const SCHEME = /^AWS(?: |$)/;
const ACCESS_KEY_ID = 'AWSAccessKeyId';
const SIGNATURE = 'Signature';
const EXPIRES = 'Expires';
const REQUIRED = [ACCESS_KEY_ID, SIGNATURE, EXPIRES] as const;
/** Selects the form of a listing, and nothing more. */
const LIST_TYPE = 'list-type';
/** Seconds since 1970, as far as a date goes. */
const EPOCH_SECONDS = /^\d{1,12}$/;

interface SigV2Context {
  readonly headers: RequestHeaders;
  readonly nowMs: number;
}

/** Whether the `Authorization` header is that of SigV2. */
export function isSigV2Authorization(authorization: string): boolean {
  return SCHEME.test(authorization);
}

/** Whether the query carries what URLs signed by SigV2 have: such a request is never anonymous. */
export function hasSigV2Query(query: QueryParameters): boolean {
  return query.has(ACCESS_KEY_ID) || query.has(SIGNATURE);
}

/** The answer to SigV2 where it is not turned on. */
export function sigV2IsOff(): S3Error {
  return new S3Error('InvalidRequest', {
    message: `The authorization mechanism you have provided is not supported. Please use ${SIGNING_ALGORITHM}. This server accepts signature version 2 where its setting options.signature-v2 is true.`,
  });
}

/**
 * What the header `Authorization: AWS <access key id>:<signature>` claims.
 * Errors: InvalidArgument 400 · AccessDenied, RequestTimeTooSkewed 403.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
 */
export function parseSigV2Authorization(authorization: string, { headers, nowMs }: SigV2Context): SigV2Claim {
  const credentials = authorization.replace(SCHEME, '').trim();
  const colon = credentials.lastIndexOf(':');
  if (colon < 1 || colon === credentials.length - 1) {
    throw new S3Error('InvalidArgument', {
      message: 'AWS authorization header is invalid. Expected AwsAccessKeyId:signature',
      elements: { ArgumentName: 'Authorization' },
    });
  }
  const date = headers.raw('date') ?? '';
  const amzDate = headers.raw('x-amz-date');
  requireRecent(amzDate ?? date, nowMs);
  return {
    kind: 'v2',
    accessKeyId: credentials.slice(0, colon),
    signature: credentials.slice(colon + 1),
    dateLine: amzDate === undefined ? date : '',
    payloadHash: payloadHashOf(headers),
  };
}

/**
 * What the query of a URL signed by SigV2 claims.
 * Errors: AccessDenied 403 (parameters missing, expired, an operation selected that is not signed).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html#RESTAuthenticationQueryStringAuth
 */
export function parseSigV2Query(query: QueryParameters, { headers, nowMs }: SigV2Context): SigV2Claim {
  for (const name of REQUIRED) {
    if (query.pairs.filter(([pair]) => pair === name).length === 1) continue;
    throw denied(`Query-string authentication requires the ${REQUIRED.join(', ')} parameters, each once.`);
  }
  for (const name of query.names()) {
    if (!selectsOperation(name) || SIGNED_PARAMETERS.has(name) || name === LIST_TYPE) continue;
    throw denied(
      `Signature version 2 does not sign the query parameter ${name}, so anybody could add it to the URL. Sign with ${SIGNING_ALGORITHM}.`,
    );
  }
  const expires = query.get(EXPIRES) ?? '';
  if (!EPOCH_SECONDS.test(expires)) throw denied(`Invalid date (should be seconds since epoch): ${expires}`);
  const expiresAtMs = Number(expires) * 1000;
  if (expiresAtMs < nowMs) {
    throw denied('Request has expired', {
      Expires: new Date(expiresAtMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    });
  }
  return {
    kind: 'v2',
    accessKeyId: query.get(ACCESS_KEY_ID) ?? '',
    signature: query.get(SIGNATURE) ?? '',
    dateLine: expires,
    payloadHash: payloadHashOf(headers),
  };
}

function payloadHashOf(headers: RequestHeaders): string {
  return headers.raw('x-amz-content-sha256') ?? UNSIGNED_PAYLOAD;
}

function requireRecent(date: string, nowMs: number): void {
  const timestamp = parseDateHeader(date);
  if (timestamp === undefined) throw denied('AWS authentication requires a valid Date or x-amz-date header');
  if (Math.abs(nowMs - timestamp.atMs) <= SKEW_MAX_MS) return;
  throw new S3Error('RequestTimeTooSkewed', {
    elements: {
      RequestTime: date,
      ServerTime: new Date(nowMs).toISOString(),
      MaxAllowedSkewMilliseconds: SKEW_MAX_MS,
    },
  });
}

function denied(message: string, elements: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error('AccessDenied', { message, elements });
}
