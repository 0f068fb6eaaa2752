import { S3Error } from '../../domain/s3-error.ts';
import type { QueryPair, RequestHeaders } from '../parameters.ts';
import {
  ASYMMETRIC_ALGORITHM,
  parseCredential,
  SIGNING_ALGORITHM,
  type SigningRegions,
  type SigV4Claim,
  SKEW_MAX_MS,
} from './claim.ts';
import { parseDateHeader, parseIsoBasic, type Timestamp } from './timestamp.ts';

const INTRO = 'The authorization header is malformed; ';
/** As every SDK writes it. */
const USUAL_FORM = /^AWS4-HMAC-SHA256 Credential=([^, ]+), ?SignedHeaders=([^, ]+), ?Signature=([^, ]+)$/;
const FIELDS = ['Credential', 'SignedHeaders', 'Signature'] as const;

export interface HeaderSignatureContext {
  readonly headers: RequestHeaders;
  readonly query: readonly QueryPair[];
  readonly regions: SigningRegions;
  readonly nowMs: number;
}

/**
 * What the `Authorization` header claims.
 * Errors: AuthorizationHeaderMalformed, InvalidArgument, InvalidRequest 400 · AccessDenied, RequestTimeTooSkewed 403 ·
 *   NotImplemented 501 for SigV4A.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 */
export function parseAuthorization(authorization: string, context: HeaderSignatureContext): SigV4Claim {
  const { headers, query, regions, nowMs } = context;
  const { Credential, SignedHeaders, Signature } = parseFields(authorization);
  const code = 'AuthorizationHeaderMalformed';
  const { accessKeyId, scope } = parseCredential(Credential, { code, intro: INTRO, regions });
  const timestamp = readTimestamp(headers);
  if (timestamp.text.slice(0, 8) !== scope.date) {
    throw malformed(
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${timestamp.text.slice(0, 8)}".`,
    );
  }
  requireRecent(timestamp, nowMs);
  const payloadHash = headers.raw('x-amz-content-sha256');
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', { message: 'Missing required header for this request: x-amz-content-sha256' });
  }
  return {
    kind: 'v4',
    accessKeyId,
    scope,
    timestamp: timestamp.text,
    signedHeaders: SignedHeaders.split(';'),
    signature: Signature,
    payloadHash,
    query,
  };
}

function parseFields(authorization: string): Record<(typeof FIELDS)[number], string> {
  const [, Credential, SignedHeaders, Signature] = USUAL_FORM.exec(authorization) ?? [];
  if (Credential !== undefined && SignedHeaders !== undefined && Signature !== undefined) {
    return { Credential, SignedHeaders, Signature };
  }
  return parseUnusualFields(authorization);
}

/** In any order, and with whatever else. */
function parseUnusualFields(authorization: string): Record<(typeof FIELDS)[number], string> {
  const space = authorization.indexOf(' ');
  const scheme = space === -1 ? authorization : authorization.slice(0, space);
  if (scheme !== SIGNING_ALGORITHM) throw unsupportedScheme(scheme);
  const fields = new Map<string, string>();
  for (const piece of authorization.slice(scheme.length).split(',')) {
    const equals = piece.indexOf('=');
    const name = piece.slice(0, Math.max(equals, 0)).trim();
    if (fields.has(name)) throw malformed(`${name} stands twice.`);
    fields.set(name, piece.slice(equals + 1).trim());
  }
  const [Credential, SignedHeaders, Signature] = FIELDS.map((name) => fields.get(name));
  if (Credential === undefined) throw missing('Credential');
  if (SignedHeaders === undefined) throw missing('SignedHeaders');
  if (Signature === undefined) throw missing('Signature');
  return { Credential, SignedHeaders, Signature };
}

function unsupportedScheme(scheme: string): S3Error {
  if (scheme === ASYMMETRIC_ALGORITHM) {
    return new S3Error('NotImplemented', {
      message: `${scheme} (SigV4A) is not implemented. Sign with ${SIGNING_ALGORITHM}.`,
    });
  }
  return new S3Error('InvalidArgument', {
    message: `Unsupported Authorization Type. Sign with ${SIGNING_ALGORITHM}.`,
    elements: { ArgumentName: 'Authorization' },
  });
}

/** `x-amz-date`, or without it `Date`. */
function readTimestamp(headers: RequestHeaders): Timestamp {
  const amzDate = headers.raw('x-amz-date');
  const date = headers.raw('date');
  const timestamp = amzDate === undefined ? date && parseDateHeader(date) : parseIsoBasic(amzDate);
  if (!timestamp) {
    throw new S3Error('AccessDenied', { message: 'AWS authentication requires a valid Date or x-amz-date header' });
  }
  return timestamp;
}

function requireRecent({ text, atMs }: Timestamp, nowMs: number): void {
  if (Math.abs(nowMs - atMs) <= SKEW_MAX_MS) return;
  throw new S3Error('RequestTimeTooSkewed', {
    elements: {
      RequestTime: text,
      ServerTime: new Date(nowMs).toISOString(),
      MaxAllowedSkewMilliseconds: SKEW_MAX_MS,
    },
  });
}

function missing(field: string): S3Error {
  return malformed(`the authorization header requires three components: ${FIELDS.join(', ')}; ${field} is missing.`);
}

function malformed(message: string): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', { message: `${INTRO}${message}` });
}
