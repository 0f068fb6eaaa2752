import type { Identity } from '../../domain/identity.ts';
import { parseAccessKeyId } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { Secret } from '../../domain/secret.ts';
import type { Clock } from '../../operations/operation.ts';
import type { Keystore } from '../../stores/keystore.ts';
import type { CallOptions } from '../../stores/store.ts';
import type { RequestHeaders } from '../parameters.ts';
import type { RequestTarget } from '../target.ts';
import { canonicalRequest, hashCanonical } from './canonical-request.ts';
import { SIGNING_ALGORITHM, type SignatureClaim, type SigningRegions } from './claim.ts';
import { ANONYMOUS, identityOf } from './make-identity.ts';
import { type ChunkSigning, type PayloadHash, type PayloadMode, parsePayloadHash } from './payload-mode.ts';
import { hasOldQuerySignature, hasQuerySignature, parsePresigned } from './presigned.ts';
import { SCOPE_TERMINATOR, SIGNED_SERVICE, SigningKeys } from './signing-key.ts';
import { parseAuthorization } from './sigv4.ts';

const SECURITY_TOKEN_HEADER = 'x-amz-security-token';
const SECURITY_TOKEN_PARAMETER = 'X-Amz-Security-Token';
/** Region of clients that were told none. */
const CLIENT_DEFAULT_REGION = 'us-east-1';
/** Signed with in place of the secret of a key that is not there, so that both take the same time. */
const NO_SECRET = new Secret('no such access key');
const NO_OWNER = '';

export interface SignedRequest {
  readonly method: string;
  readonly target: Pick<RequestTarget, 'rawPath' | 'query'>;
  readonly headers: RequestHeaders;
}

export interface Authenticated {
  readonly identity: Identity;
  readonly payload: PayloadMode;
}

export interface AuthenticatorOptions {
  readonly keys: Keystore;
  readonly regions: { readonly default: string; readonly names: Iterable<string> };
  readonly clock: Clock;
}

/**
 * Finds out who asks. Every request passes here before anything else is looked at, whatever it carries: a signature in
 * the `Authorization` header, one in the query, or none at all. A signature that cannot be verified never counts as none.
 */
export class Authenticator {
  readonly #keys: Keystore;
  readonly #regions: SigningRegions;
  readonly #clock: Clock;
  readonly #signingKeys = new SigningKeys();

  constructor({ keys, regions, clock }: AuthenticatorOptions) {
    this.#keys = keys;
    this.#regions = { expected: regions.default, accepted: new Set([...regions.names, CLIENT_DEFAULT_REGION]) };
    this.#clock = clock;
  }

  /**
   * Errors: those of `parseAuthorization`, `parsePresigned` and `parsePayloadHash`; InvalidToken 400 ·
   *   InvalidAccessKeyId, SignatureDoesNotMatch, AccessDenied (headers not signed) 403.
   */
  async authenticate(request: SignedRequest, options: CallOptions): Promise<Authenticated> {
    const claim = this.#readClaim(request);
    if (claim === undefined) return authenticateAnonymous(request);
    requireSigned(request, claim);
    const payload = parsePayloadHash(claim.payloadHash);
    const accessKeyId = parseAccessKeyId(claim.accessKeyId);
    const key = accessKeyId === undefined ? undefined : await this.#keys.getKey(accessKeyId, options);
    const signingKey = this.#signingKeys.get(key?.accessKeyId ?? NO_OWNER, key?.secret ?? NO_SECRET, claim.scope);
    const canonical = canonicalRequest({
      method: request.method,
      rawPath: request.target.rawPath,
      query: claim.query,
      headers: request.headers,
      signedHeaders: claim.signedHeaders,
      payloadHash: claim.payloadHash,
    });
    const scope = `${claim.scope.date}/${claim.scope.region}/${SIGNED_SERVICE}/${SCOPE_TERMINATOR}`;
    const stringToSign = `${SIGNING_ALGORITHM}\n${claim.timestamp}\n${scope}\n${hashCanonical(canonical)}`;
    const matches = signingKey.verify(stringToSign, claim.signature);
    if (key === undefined) {
      throw new S3Error('InvalidAccessKeyId', { elements: { AWSAccessKeyId: claim.accessKeyId } });
    }
    if (!matches) throw doesNotMatch(claim, { stringToSign, canonical });
    const signing = { key: signingKey, timestamp: claim.timestamp, scope, seedSignature: claim.signature };
    return { identity: identityOf(key), payload: payloadMode(payload, signing) };
  }

  /** What the request says of its signature; `undefined` where it carries no credentials of any kind. */
  #readClaim({ target, headers }: SignedRequest): SignatureClaim | undefined {
    const { query } = target;
    const authorization = headers.raw('authorization');
    const inHeader = authorization !== undefined && authorization !== '';
    const inQuery = hasQuerySignature(query);
    const inOldQuery = hasOldQuerySignature(query);
    if (headers.has(SECURITY_TOKEN_HEADER) || query.has(SECURITY_TOKEN_PARAMETER)) {
      throw new S3Error('InvalidToken', {
        message: 'Temporary credentials are not supported: sign with an access key that has no session token.',
      });
    }
    if ((inHeader && (inQuery || inOldQuery)) || (inQuery && inOldQuery)) {
      throw new S3Error('InvalidArgument', {
        message:
          'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
        elements: { ArgumentName: 'Authorization' },
      });
    }
    const context = { headers, regions: this.#regions, nowMs: this.#clock.nowMs() };
    if (inHeader) return parseAuthorization(authorization, { ...context, query: query.pairs });
    if (inQuery) return parsePresigned({ ...context, query });
    if (inOldQuery) {
      throw new S3Error('InvalidRequest', {
        message: `The authorization mechanism you have provided is not supported. Please use ${SIGNING_ALGORITHM}.`,
      });
    }
    return undefined;
  }
}

function authenticateAnonymous({ headers }: SignedRequest): Authenticated {
  const text = headers.raw('x-amz-content-sha256');
  const payload = text === undefined ? ({ kind: 'unsigned' } as const) : parsePayloadHash(text);
  return { identity: ANONYMOUS, payload: payloadMode(payload, undefined) };
}

/**
 * The host and every `x-amz-*` header must be signed: what is not signed anyone on the way may have put there.
 * What is signed must be there.
 */
function requireSigned({ headers }: SignedRequest, { signedHeaders }: SignatureClaim): void {
  const unsigned: string[] = signedHeaders.includes('host') ? [] : ['host'];
  for (const name of headers.names()) {
    if (name.startsWith('x-amz-') && !signedHeaders.includes(name)) unsigned.push(name);
  }
  if (unsigned.length > 0) {
    throw new S3Error('AccessDenied', {
      message: 'There were headers present in the request which were not signed',
      elements: { HeadersNotSigned: unsigned.join(', ') },
    });
  }
  for (const name of signedHeaders) {
    if (headers.has(name)) continue;
    throw new S3Error('AccessDenied', {
      message: 'There were headers signed which are not in the request',
      elements: { HeadersMissing: name },
    });
  }
}

function payloadMode(payload: PayloadHash, signing: ChunkSigning | undefined): PayloadMode {
  if (payload.kind !== 'chunked') return payload;
  if (!payload.signed) return { kind: 'chunked', trailer: payload.trailer, signing: undefined };
  if (signing === undefined) {
    throw new S3Error('AccessDenied', {
      message: 'Signed chunks need a signed request: the Authorization header is missing.',
    });
  }
  return { kind: 'chunked', trailer: payload.trailer, signing };
}

/** Says what was signed here, so that a client's author can compare. Nothing in it is secret. */
function doesNotMatch(claim: SignatureClaim, signed: { stringToSign: string; canonical: string }): S3Error {
  return new S3Error('SignatureDoesNotMatch', {
    elements: {
      AWSAccessKeyId: claim.accessKeyId,
      StringToSign: signed.stringToSign,
      SignatureProvided: claim.signature,
      CanonicalRequest: Buffer.from(signed.canonical, 'latin1').toString('utf8'),
    },
  });
}
