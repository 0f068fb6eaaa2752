import type { Secret } from '../../domain/secret.ts';
import type { QueryPair, RequestHeaders } from '../parameters.ts';
import { canonicalRequest, hashCanonical } from './canonical-request.ts';
import { SIGNING_ALGORITHM, type SigV2Claim, type SigV4Claim } from './claim.ts';
import type { ChunkSigning } from './payload-mode.ts';
import { SCOPE_TERMINATOR, SIGNED_SERVICE, type SigningKey } from './signing-key.ts';
import { stringToSignV2, verifySigV2 } from './sigv2-string.ts';

/** A request as its signer saw it: all of it that may differ from what arrives. */
export interface SignedView {
  readonly method: string;
  /** `undefined`: what the Host header has. */
  readonly host: string | undefined;
  /** The bucket that the host names. */
  readonly hostBucket: string | undefined;
  /** The path as sent. */
  readonly rawPath: string;
}

/** One claim, ready to be held against views of the request. */
export interface SignatureCheck {
  /** In a time that does not tell how much of the signature is right. */
  matches(view: SignedView): boolean;
  /** What the server signed, for error documents. Nothing in it is secret. */
  signedTexts(view: SignedView): Readonly<Record<string, string>>;
  readonly chunkSigning: ChunkSigning | undefined;
}

/** The check of a claim of SigV4. */
export function checkSigV4(claim: SigV4Claim, headers: RequestHeaders, key: SigningKey): SignatureCheck {
  const { timestamp, signedHeaders, payloadHash, query, signature } = claim;
  const scope = `${claim.scope.date}/${claim.scope.region}/${SIGNED_SERVICE}/${SCOPE_TERMINATOR}`;
  const sign = ({ method, host, rawPath }: SignedView) => {
    const canonical = canonicalRequest({ method, host, rawPath, query, headers, signedHeaders, payloadHash });
    return { canonical, text: `${SIGNING_ALGORITHM}\n${timestamp}\n${scope}\n${hashCanonical(canonical)}` };
  };
  return {
    matches: (view) => key.verify(sign(view).text, signature),
    signedTexts(view) {
      const { text, canonical } = sign(view);
      return { StringToSign: text, CanonicalRequest: textOf(canonical) };
    },
    chunkSigning: { key, timestamp, scope, seedSignature: signature },
  };
}

export interface SigV2Source {
  readonly headers: RequestHeaders;
  readonly query: readonly QueryPair[];
  readonly secret: Secret;
}

/** The check of a claim of SigV2, which cannot sign chunks. */
export function checkSigV2(claim: SigV2Claim, { headers, query, secret }: SigV2Source): SignatureCheck {
  const { dateLine, signature } = claim;
  const sign = ({ method, hostBucket, rawPath }: SignedView) =>
    stringToSignV2({ method, hostBucket, rawPath, headers, dateLine, query });
  return {
    matches: (view) => verifySigV2(secret, { message: sign(view), signature }),
    signedTexts(view) {
      const text = sign(view);
      return { StringToSign: textOf(text), StringToSignBytes: Buffer.from(text, 'latin1').toString('hex') };
    },
    chunkSigning: undefined,
  };
}

function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
