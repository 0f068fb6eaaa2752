import type { StoredObject } from '../../domain/object-version.ts';
import { changeAttributes } from '../change-attributes.ts';
import { versionIdHeader } from '../headers/object-headers.ts';
import { versionIdOf } from '../headers/parameters.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';

/**
 * DeleteObjectTagging: takes all tags off a version.
 *
 * Errors: InvalidArgument 400 · NoSuchKey, NoSuchVersion 404 · MethodNotAllowed (a delete marker) 405 ·
 *   OperationAborted 409.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html
 */
export const deleteObjectTagging = defineOperation({
  name: 'DeleteObjectTagging',
  scope: 'object',
  action: 's3:DeleteObjectTagging',
  versionAction: 's3:DeleteObjectVersionTagging',
  decidedBy: 'object',
  parameters: ['VersionId'],

  parse: (request) => ({ method: request.method, key: request.key, versionId: versionIdOf(request) }),

  async run(context, target) {
    const change = ({ attributes }: StoredObject) => ({ ...attributes, tags: [] });
    return { bucket: context.bucket, version: await changeAttributes(context, target, change) };
  },

  render: ({ bucket, version }) => reply(204, versionIdHeader(bucket, version.versionId)),
});
