import { S3Error } from '../../domain/s3-error.ts';
import type { QueryParameters, RequestHeaders } from '../parameters.ts';
import {
  ASYMMETRIC_ALGORITHM,
  parseCredential,
  SIGNING_ALGORITHM,
  type SigningRegions,
  type SigV4Claim,
  SKEW_MAX_MS,
} from './claim.ts';
import { UNSIGNED_PAYLOAD } from './payload-mode.ts';
import { parseIsoBasic } from './timestamp.ts';

/** How long a presigned URL may be valid. */
const EXPIRES_SECONDS_MAX = 7 * 24 * 60 * 60;
const SIGNATURE = 'X-Amz-Signature';
const REQUIRED = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  SIGNATURE,
  'X-Amz-Date',
  'X-Amz-SignedHeaders',
  'X-Amz-Expires',
] as const;
const CONTENT_SHA256 = 'X-Amz-Content-Sha256';
const SECURITY_TOKEN = 'X-Amz-Security-Token';

/** The query parameters that carry a signature and say nothing else. */
export const PRESIGNED_PARAMETERS: ReadonlySet<string> = new Set([...REQUIRED, CONTENT_SHA256, SECURITY_TOKEN]);

export interface QuerySignatureContext {
  readonly query: QueryParameters;
  readonly headers: RequestHeaders;
  readonly regions: SigningRegions;
  readonly nowMs: number;
}

/** Whether any parameter of a presigned URL is there: such a request is never anonymous. */
export function hasQuerySignature(query: QueryParameters): boolean {
  return !query.isEmpty && REQUIRED.some((name) => query.has(name));
}

/**
 * What the query of a presigned URL claims.
 * Errors: AuthorizationQueryParametersError, InvalidArgument 400 · AccessDenied 403 (expired, not yet valid) ·
 *   NotImplemented 501 for SigV4A.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export function parsePresigned(context: QuerySignatureContext): SigV4Claim {
  const { query, headers, regions, nowMs } = context;
  requireOnce(query);
  requireAlgorithm(query.get('X-Amz-Algorithm') ?? '');
  const code = 'AuthorizationQueryParametersError';
  const intro = 'Error parsing the X-Amz-Credential parameter; ';
  const { accessKeyId, scope } = parseCredential(query.get('X-Amz-Credential') ?? '', { code, intro, regions });
  const timestamp = parseIsoBasic(query.get('X-Amz-Date') ?? '');
  if (timestamp === undefined) {
    throw wrong("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  if (timestamp.text.slice(0, 8) !== scope.date) {
    throw wrong(`${intro}the date "${scope.date}" is not that of X-Amz-Date, "${timestamp.text.slice(0, 8)}".`);
  }
  requireValidNow({ atMs: timestamp.atMs, expiresSeconds: parseExpires(query.get('X-Amz-Expires') ?? ''), nowMs });
  return {
    kind: 'v4',
    accessKeyId,
    scope,
    timestamp: timestamp.text,
    signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature: query.get(SIGNATURE) ?? '',
    payloadHash: readPayloadHash(query.get(CONTENT_SHA256), headers.raw('x-amz-content-sha256')),
    query: query.pairs.filter(([name]) => name !== SIGNATURE),
  };
}

function readPayloadHash(parameter: string | undefined, header: string | undefined): string {
  if (parameter !== undefined && header !== undefined && parameter !== header) {
    throw wrong(`${CONTENT_SHA256} and the x-amz-content-sha256 header must not differ.`);
  }
  return parameter ?? header ?? UNSIGNED_PAYLOAD;
}

function requireOnce(query: QueryParameters): void {
  for (const name of REQUIRED) {
    const count = query.pairs.reduce((sum, [pair]) => (pair === name ? sum + 1 : sum), 0);
    if (count === 0) {
      throw wrong(
        'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
      );
    }
    if (count > 1) throw wrong(`${name} must stand once.`);
  }
}

function requireAlgorithm(algorithm: string): void {
  if (algorithm === SIGNING_ALGORITHM) return;
  if (algorithm === ASYMMETRIC_ALGORITHM) {
    throw new S3Error('NotImplemented', {
      message: `${algorithm} (SigV4A) is not implemented. Sign with ${SIGNING_ALGORITHM}.`,
    });
  }
  throw wrong(`X-Amz-Algorithm only supports "${SIGNING_ALGORITHM}"`);
}

function parseExpires(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw wrong('X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds < 0) throw wrong('X-Amz-Expires must be non-negative');
  if (seconds > EXPIRES_SECONDS_MAX) {
    throw wrong(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${EXPIRES_SECONDS_MAX} seconds`,
    );
  }
  return seconds;
}

/** A URL valid for no time at all has always expired. */
function requireValidNow(times: { atMs: number; expiresSeconds: number; nowMs: number }): void {
  const { atMs, expiresSeconds, nowMs } = times;
  const expiresAtMs = atMs + expiresSeconds * 1000;
  if (atMs > nowMs + SKEW_MAX_MS) throw new S3Error('AccessDenied', { message: 'Request is not yet valid' });
  if (expiresSeconds > 0 && nowMs <= expiresAtMs) return;
  throw new S3Error('AccessDenied', {
    message: 'Request has expired',
    elements: {
      'X-Amz-Expires': expiresSeconds,
      Expires: new Date(expiresAtMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    },
  });
}

function wrong(message: string): S3Error {
  return new S3Error('AuthorizationQueryParametersError', { message });
}
