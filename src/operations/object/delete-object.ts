import { deleteCondition } from '../headers/conditions.ts';
import { versionIdOf } from '../headers/parameters.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { deleteTarget } from './delete-version.ts';

/**
 * DeleteObject: removes an object, hides it under a delete marker, or removes one version for good, as the bucket's
 * versioning and `versionId` have it. Deleting what is not there is 204 too.
 *
 * The bucket is looked at afresh: a delete under a stale `unversioned` would remove what versioning is to keep.
 * Errors: InvalidArgument 400 · NoSuchBucket, NoSuchKey (If-Match and no object) 404 · PreconditionFailed 412.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
 */
export const deleteObject = defineOperation({
  name: 'DeleteObject',
  scope: 'object',
  action: 's3:DeleteObject',
  versionAction: 's3:DeleteObjectVersion',
  parameters: ['VersionId', 'IfMatch', 'IfMatchLastModifiedTime', 'IfMatchSize'],

  parse: (request) => ({
    key: request.key,
    versionId: versionIdOf(request),
    condition: deleteCondition(request),
  }),

  async run(context, target) {
    const bucket = await context.refresh();
    return deleteTarget(context, bucket, target);
  },

  render: ({ versionId, markerVersionId }) =>
    reply(204, {
      'x-amz-version-id': versionId ?? markerVersionId,
      'x-amz-delete-marker': markerVersionId === undefined ? undefined : 'true',
    }),
});
