import type { S3ErrorCode } from '../../domain/s3-error.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { QueryPair } from '../parameters.ts';
import { SCOPE_TERMINATOR, SIGNED_SERVICE, type SigningScope } from './signing-key.ts';

export const SIGNING_ALGORITHM = 'AWS4-HMAC-SHA256';
export const ASYMMETRIC_ALGORITHM = 'AWS4-ECDSA-P256-SHA256';
/** Parts of a credential, which slashes divide. */
const CREDENTIAL_PARTS = 5;
/** How far a client's clock may be off. */
export const SKEW_MAX_MS = 15 * 60 * 1000;

/** What a request says about its signature, well formed and of the right time and place, but not verified. */
export type SignatureClaim = SigV4Claim | SigV2Claim;

export interface SigV4Claim {
  readonly kind: 'v4';
  readonly accessKeyId: string;
  readonly scope: SigningScope;
  readonly timestamp: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `x-amz-content-sha256`, or what stands for it. */
  readonly payloadHash: string;
  /** The query that is signed. */
  readonly query: readonly QueryPair[];
}

export interface SigV2Claim {
  readonly kind: 'v2';
  readonly accessKeyId: string;
  readonly signature: string;
  /** The line of the date in the string to sign: the `Date` header, nothing beside an `x-amz-date`, or `Expires`. */
  readonly dateLine: string;
  /** As of SigV4, where the client says anything of its body. */
  readonly payloadHash: string;
}

/** Where requests may be signed for. */
export interface SigningRegions {
  /** The one that error messages expect. */
  readonly expected: string;
  readonly accepted: ReadonlySet<string>;
}

/** A credential: an access key id and what the signing key is for. */
export interface Credential {
  readonly accessKeyId: string;
  readonly scope: SigningScope;
}

export interface CredentialContext {
  /** Header and query speak of a malformed credential in different words. */
  readonly code: S3ErrorCode & ('AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError');
  /** How messages begin. */
  readonly intro: string;
  readonly regions: SigningRegions;
}

/** Reads `id/YYYYMMDD/region/s3/aws4_request`. Throws the error of `context` for anything else. */
export function parseCredential(text: string, context: CredentialContext): Credential {
  const fail = (message: string, elements: Readonly<Record<string, string>> = {}) =>
    new S3Error(context.code, { message: `${context.intro}${message}`, elements });
  const parts = text.split('/');
  const { 0: accessKeyId, 1: date, 2: region, 3: service, 4: terminator } = parts;
  if (
    accessKeyId === undefined ||
    accessKeyId === '' ||
    date === undefined ||
    terminator === undefined ||
    parts.length > CREDENTIAL_PARTS
  ) {
    throw fail(`the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/${SCOPE_TERMINATOR}".`);
  }
  if (!/^\d{8}$/.test(date))
    throw fail(`incorrect date format "${date}". This date in the credential must be in the format "yyyyMMdd".`);
  if (region === undefined || !context.regions.accepted.has(region)) {
    const { expected } = context.regions;
    throw fail(`the region '${region ?? ''}' is wrong; expecting '${expected}'`, { Region: expected });
  }
  if (service !== SIGNED_SERVICE) {
    throw fail(`incorrect service "${service ?? ''}". This endpoint belongs to "${SIGNED_SERVICE}".`);
  }
  if (terminator !== SCOPE_TERMINATOR) {
    throw fail(`incorrect terminal "${terminator}". This endpoint uses "${SCOPE_TERMINATOR}".`);
  }
  return { accessKeyId, scope: { date, region } };
}
