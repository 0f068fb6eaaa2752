import type { AccessKey } from '../../domain/access-key.ts';
import type { Owner } from '../../domain/bucket.ts';
import type { Identity } from '../../domain/identity.ts';
import { parseAccessKeyId } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { Secret } from '../../domain/secret.ts';
import type { Clock } from '../../operations/operation.ts';
import type { Keystore } from '../../stores/keystore.ts';
import type { CallOptions } from '../../stores/store.ts';
import { SIGNING_ALGORITHM, type SignatureClaim, type SigningRegions, type SigV4Claim } from './claim.ts';
import { parseFormClaim } from './form-claim.ts';
import { ANONYMOUS, identityOf } from './make-identity.ts';
import { masqueradeIsDenied, readMasquerade, TenantOwners } from './masquerade.ts';
import { explainMismatch } from './mismatch.ts';
import { type ChunkSigning, type PayloadHash, type PayloadMode, parsePayloadHash } from './payload-mode.ts';
import { hasQuerySignature, parsePresigned } from './presigned.ts';
import { checkSigV2, checkSigV4, type SignatureCheck } from './signature-check.ts';
import {
  type NamedView,
  namesSameBucket,
  otherViews,
  receivedView,
  type ServerNames,
  type ViewedRequest,
} from './signed-views.ts';
import { SigningKeys } from './signing-key.ts';
import { hasSigV2Query, isSigV2Authorization, parseSigV2Authorization, parseSigV2Query, sigV2IsOff } from './sigv2.ts';
import { verifySigV2 } from './sigv2-string.ts';
import { parseAuthorization } from './sigv4.ts';

const SECURITY_TOKEN_HEADER = 'x-amz-security-token';
const SECURITY_TOKEN_PARAMETER = 'X-Amz-Security-Token';
const MASQUERADE_FIELD = 'x-amz-masquerade-tenant';
/** Region of clients that were told none. */
const CLIENT_DEFAULT_REGION = 'us-east-1';
/** Signed with in place of the secret of a key that is not there, so that both take the same time. */
const NO_SECRET = new Secret('no such access key');
const NO_OWNER = '';

export type SignedRequest = ViewedRequest;

export interface Authenticated {
  readonly identity: Identity;
  readonly payload: PayloadMode;
  /** Where the client asked, without the path. */
  readonly baseUrl: string;
}

export interface AuthenticatedForm {
  readonly identity: Identity;
  /** The signed policy, in base64, which is still to be held against the form; `undefined`: the form is anonymous. */
  readonly policy: string | undefined;
  readonly signature: 'v2' | 'v4' | undefined;
  readonly baseUrl: string;
}

export interface AuthenticatorOptions {
  readonly keys: Keystore;
  readonly regions: { readonly default: string; readonly names: Iterable<string> };
  readonly clock: Clock;
  /** Whether signature version 2 is accepted. */
  readonly sigV2: boolean;
  readonly names: ServerNames;
}

/**
 * Finds out who asks. Every request passes here before anything else is looked at, whatever it carries: a signature in
 * the `Authorization` header, one in the query, or none at all. A signature that cannot be verified never counts as none.
 */
export class Authenticator {
  readonly #keys: Keystore;
  readonly #regions: SigningRegions;
  readonly #clock: Clock;
  readonly #owners: TenantOwners;
  readonly #sigV2: boolean;
  readonly #names: ServerNames;
  readonly #signingKeys = new SigningKeys();

  constructor({ keys, regions, clock, sigV2, names }: AuthenticatorOptions) {
    this.#keys = keys;
    this.#regions = { expected: regions.default, accepted: new Set([...regions.names, CLIENT_DEFAULT_REGION]) };
    this.#clock = clock;
    this.#owners = new TenantOwners(keys, clock);
    this.#sigV2 = sigV2;
    this.#names = names;
  }

  /**
   * Errors: those of `parseAuthorization`, `parsePresigned`, `parseSigV2Authorization`, `parseSigV2Query` and
   *   `parsePayloadHash`; InvalidToken 400 · InvalidAccessKeyId, SignatureDoesNotMatch, AccessDenied (headers not
   *   signed) 403.
   */
  async authenticate(request: SignedRequest, options: CallOptions): Promise<Authenticated> {
    const claim = this.#readClaim(request);
    if (claim === undefined) return authenticateAnonymous(request, this.#names);
    if (claim.kind === 'v4') requireSigned(request, claim);
    const payload = parsePayloadHash(claim.payloadHash);
    const accessKeyId = parseAccessKeyId(claim.accessKeyId);
    const key = accessKeyId === undefined ? undefined : await this.#keys.getKey(accessKeyId, options);
    const check = this.#checkOf(claim, request, key);
    const received = receivedView(request, this.#names);
    const isSound = request.client.hosts.length === 0 || namesSameBucket(received, request, this.#names);
    const matches = check.matches(received) && isSound;
    if (key === undefined) {
      throw new S3Error('InvalidAccessKeyId', { elements: { AWSAccessKeyId: claim.accessKeyId } });
    }
    const view = matches ? received : this.#findView(request, claim, check);
    const owner = await this.#ownerFor(key, request, options);
    return {
      identity: identityOf(key, owner),
      payload: payloadMode(payload, check.chunkSigning),
      baseUrl: view.baseUrl,
    };
  }

  /**
   * The same for a browser form, which carries its signature in its fields: that of its policy, for the caller to check.
   * Errors: those of `parseFormClaim`; InvalidArgument (a signature beside the form's) 400 · InvalidAccessKeyId,
   *   SignatureDoesNotMatch 403.
   */
  async authenticateForm(
    fields: ReadonlyMap<string, string>,
    request: SignedRequest,
    options: CallOptions,
  ): Promise<AuthenticatedForm> {
    if (this.#readClaim(request) !== undefined) {
      throw new S3Error('InvalidArgument', {
        message: 'A form is signed by its fields alone: leave the Authorization header and query parameters out.',
        elements: { ArgumentName: 'Authorization' },
      });
    }
    if (fields.has(MASQUERADE_FIELD) || readMasquerade(request.headers, request.target.query) !== undefined) {
      throw masqueradeIsDenied();
    }
    const { baseUrl } = receivedView(request, this.#names);
    const claim = parseFormClaim(fields, { regions: this.#regions, sigV2: this.#sigV2 });
    if (claim === undefined) return { identity: ANONYMOUS, policy: undefined, signature: undefined, baseUrl };
    const { policy, signature } = claim;
    const accessKeyId = parseAccessKeyId(claim.accessKeyId);
    const key = accessKeyId === undefined ? undefined : await this.#keys.getKey(accessKeyId, options);
    const secret = key?.secret ?? NO_SECRET;
    const matches =
      claim.kind === 'v2'
        ? verifySigV2(secret, { message: policy, signature })
        : this.#signingKeys.get(key?.accessKeyId ?? NO_OWNER, secret, claim.scope).verifyLong(policy, signature);
    if (key === undefined) {
      throw new S3Error('InvalidAccessKeyId', { elements: { AWSAccessKeyId: claim.accessKeyId } });
    }
    if (!matches) throw new S3Error('SignatureDoesNotMatch', { elements: { StringToSign: policy } });
    return { identity: identityOf(key), policy, signature: claim.kind, baseUrl };
  }

  /** What else the client may have seen, behind a proxy. Throws SignatureDoesNotMatch. */
  #findView(request: SignedRequest, claim: SignatureClaim, check: SignatureCheck): NamedView {
    const others = otherViews(request, claim, this.#names);
    const view = others.find((other) => check.matches(other));
    if (view !== undefined) return view;
    const tried = this.#likeliestFirst(request, others);
    throw explainMismatch({ request, claim, check, tried, names: this.#names });
  }

  /** What a trusted proxy says the client asked; or a public URL, where the host is no name of the server's. */
  #likeliestFirst(request: SignedRequest, others: readonly NamedView[]): readonly NamedView[] {
    const { client, target } = request;
    const { publicUrls, virtualHosts } = this.#names;
    if (client.hosts.length > 0 && others.length > 0) return others;
    const name = target.host.replace(/:\d+$/, '');
    const isKnown = virtualHosts.some((host) => name === host.name || name.endsWith(`.${host.name}`));
    const byUrl = isKnown ? [] : others.filter(({ host }) => publicUrls.some((url) => url.host === host));
    return [...byUrl, receivedView(request, this.#names), ...others];
  }

  /** Whose the request is: the key's own tenant's, or that of whom a master key acts for. */
  async #ownerFor(key: AccessKey, { headers, target }: SignedRequest, options: CallOptions): Promise<Owner> {
    const tenant = readMasquerade(headers, target.query);
    if (tenant === undefined) return key;
    if (!key.master) throw masqueradeIsDenied();
    return await this.#owners.ownerOf(tenant, options);
  }

  #checkOf(claim: SignatureClaim, { headers, target }: SignedRequest, key: AccessKey | undefined): SignatureCheck {
    const secret = key?.secret ?? NO_SECRET;
    if (claim.kind === 'v2') return checkSigV2(claim, { headers, query: target.query.pairs, secret });
    return checkSigV4(claim, headers, this.#signingKeys.get(key?.accessKeyId ?? NO_OWNER, secret, claim.scope));
  }

  /** What the request says of its signature; `undefined` where it carries no credentials of any kind. */
  #readClaim({ target, headers }: SignedRequest): SignatureClaim | undefined {
    const { query } = target;
    const authorization = headers.raw('authorization');
    const inHeader = authorization !== undefined && authorization !== '';
    const inQuery = hasQuerySignature(query);
    const inOldQuery = hasSigV2Query(query);
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
    const isOld = inOldQuery || (inHeader && isSigV2Authorization(authorization));
    if (isOld && !this.#sigV2) throw sigV2IsOff();
    if (inOldQuery) return parseSigV2Query(query, context);
    if (inQuery) return parsePresigned({ ...context, query });
    if (!inHeader) return undefined;
    return isOld
      ? parseSigV2Authorization(authorization, context)
      : parseAuthorization(authorization, { ...context, query: query.pairs });
  }
}

function authenticateAnonymous(request: SignedRequest, names: ServerNames): Authenticated {
  const { headers, target } = request;
  if (readMasquerade(headers, target.query) !== undefined) throw masqueradeIsDenied();
  const text = headers.raw('x-amz-content-sha256');
  const payload = text === undefined ? ({ kind: 'unsigned' } as const) : parsePayloadHash(text);
  const { baseUrl } = receivedView(request, names);
  return { identity: ANONYMOUS, payload: payloadMode(payload, undefined), baseUrl };
}

/**
 * The host and every `x-amz-*` header must be signed: what is not signed anyone on the way may have put there.
 * What is signed must be there.
 */
function requireSigned({ headers }: SignedRequest, { signedHeaders }: SigV4Claim): void {
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
      message: `Signed chunks need a request that is signed by ${SIGNING_ALGORITHM}.`,
    });
  }
  return { kind: 'chunked', trailer: payload.trailer, signing };
}
