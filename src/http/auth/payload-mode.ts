import { S3Error } from '../../domain/s3-error.ts';
import type { SigningKey } from './signing-key.ts';

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
const STREAMING_SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const STREAMING_SIGNED_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
const STREAMING_UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
const SHA256_HEX = /^[0-9a-f]{64}$/;

/** How a body is framed and what proves it: the authenticator says so, the payload reader does so. */
export type PayloadMode =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'hashed'; readonly sha256: string }
  | { readonly kind: 'chunked'; readonly trailer: boolean; readonly signing: ChunkSigning | undefined };

/** What the chain of chunk signatures starts from. */
export interface ChunkSigning {
  readonly key: SigningKey;
  readonly timestamp: string;
  /** `date/region/s3/aws4_request`. */
  readonly scope: string;
  readonly seedSignature: string;
}

/** The value of `x-amz-content-sha256`, understood. */
export type PayloadHash =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'hashed'; readonly sha256: string }
  | { readonly kind: 'chunked'; readonly trailer: boolean; readonly signed: boolean };

/**
 * Reads a value of `x-amz-content-sha256`: every value S3 knows is a case here, any other is refused.
 * Errors: InvalidArgument 400, NotImplemented 501.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 */
export function parsePayloadHash(text: string): PayloadHash {
  switch (text) {
    case UNSIGNED_PAYLOAD:
      return { kind: 'unsigned' };
    case STREAMING_SIGNED:
      return { kind: 'chunked', signed: true, trailer: false };
    case STREAMING_SIGNED_TRAILER:
      return { kind: 'chunked', signed: true, trailer: true };
    case STREAMING_UNSIGNED_TRAILER:
      return { kind: 'chunked', signed: false, trailer: true };
    case 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER':
      throw new S3Error('NotImplemented', {
        message: `x-amz-content-sha256: ${text} is not implemented. Sign with AWS4-HMAC-SHA256.`,
      });
    default: {
      const sha256 = text.toLowerCase();
      if (SHA256_HEX.test(sha256)) return { kind: 'hashed', sha256 };
      throw new S3Error('InvalidArgument', {
        message: `x-amz-content-sha256 must be ${UNSIGNED_PAYLOAD}, ${STREAMING_UNSIGNED_TRAILER}, ${STREAMING_SIGNED}, ${STREAMING_SIGNED_TRAILER}, or a SHA-256 in hex.`,
        elements: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: text },
      });
    }
  }
}
