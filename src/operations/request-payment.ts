import type { Bucket } from '../domain/bucket.ts';
import type { Identity } from '../domain/identity.ts';
import { S3Error } from '../domain/s3-error.ts';
import { invalidArgument } from './headers/parameters.ts';
import type { HeaderMap } from './request.ts';

const HEADER = 'x-amz-request-payer';

/** What the answer to a request says that was charged to who sent it. */
export const CHARGED_HEADER = ['x-amz-request-charged', 'requester'] as const;

/**
 * Whether a request would be charged to who sent it: somebody else than the bucket's tenant, where requesters pay.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html
 */
export function isCharged(identity: Identity, { configuration, owner }: Bucket): boolean {
  if (configuration.requestPayer !== 'Requester') return false;
  return identity.kind === 'anonymous' || (!identity.master && identity.tenant !== owner.tenant);
}

/**
 * Refuses a request to a bucket whose requesters pay, unless it says that its sender knows.
 * Errors: InvalidArgument 400 · AccessDenied 403, always for an anonymous request.
 */
export function requireKnownCharge(identity: Identity, headers: HeaderMap, bucket: Bucket): void {
  const payer = headers.get(HEADER);
  if (payer !== undefined && payer !== 'requester')
    throw invalidArgument(HEADER, payer, `${HEADER} must be requester.`);
  if (!isCharged(identity, bucket)) return;
  if (identity.kind === 'user' && payer !== undefined) return;
  throw new S3Error('AccessDenied', {
    message: `Requesters pay for requests to this bucket: sign the request, and send ${HEADER}: requester.`,
  });
}
