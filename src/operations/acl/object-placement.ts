import type { Bucket } from '../../domain/bucket.ts';
import type { ObjectKey } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { ContextOf } from '../operation.ts';
import { type ObjectPlacement, placeObject } from './apply-acl.ts';
import type { RequestedAcl } from './requested-acl.ts';
import { resolveAcl } from './resolve-acl.ts';

/**
 * Settles whose the object is that the caller is about to write to `key` with `acl`, before any byte of it is read.
 * The bucket's settings may change while the bytes come: what is returned is asked again with the bucket as it is then.
 *
 * Errors: AccessControlListNotSupported, InvalidArgument, UnresolvableGrantByEmailAddress 400 · AccessDenied 403.
 */
export async function settlePlacement(
  context: ContextOf<'object'>,
  key: ObjectKey,
  acl: RequestedAcl,
): Promise<(bucket: Bucket) => ObjectPlacement> {
  if (acl.kind !== 'default' && context.isForbidden('s3:PutObjectAcl', key)) throw new S3Error('AccessDenied');
  const resolved = await resolveAcl(context, acl);
  const place = (bucket: Bucket) => placeObject(bucket, context.identity, resolved);
  place(context.bucket);
  return place;
}
