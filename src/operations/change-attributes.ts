import type { StoredObject, VersionAttributes } from '../domain/object-version.ts';
import { S3Error } from '../domain/s3-error.ts';
import { findObject, type VersionTarget } from './object/read-version.ts';
import type { ContextOf } from './operation.ts';

/** How often the change is tried when others change the same version at the same time. */
const UPDATES_MAX = 8;

/**
 * Changes the attributes of a version, which is returned as it was, once the caller is known to have the right to.
 * `change` gets it as it is now, again each time that somebody else was faster, and may throw.
 * Errors: AccessDenied 403 · NoSuchKey, NoSuchVersion 404 · MethodNotAllowed (a delete marker) 405 · OperationAborted 409.
 */
export async function changeAttributes(
  context: ContextOf<'object'>,
  target: VersionTarget,
  change: (version: StoredObject) => Promise<VersionAttributes> | VersionAttributes,
): Promise<StoredObject> {
  const { bucket, region, signal } = context;
  const { key } = target;
  for (let update = 1; update <= UPDATES_MAX; update++) {
    const version = await findObject(context, target);
    const at = { bucketId: bucket.id, key, versionId: version.versionId };
    const attributes = await change(version);
    const outcome = await region.meta.updateAttributes(
      at,
      { attributes, revision: version.attributesRevision },
      { signal },
    );
    if (outcome === 'updated') return version;
  }
  throw new S3Error('OperationAborted', { elements: { Key: key } });
}
