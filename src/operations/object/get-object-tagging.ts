import { versionIdHeader } from '../headers/object-headers.ts';
import { versionIdOf } from '../headers/parameters.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import { taggingDocument } from '../tags.ts';
import { findObject } from './read-version.ts';

/**
 * GetObjectTagging: the tags of a version, by key; an empty set where it has none.
 *
 * Errors: InvalidArgument 400 · NoSuchKey, NoSuchVersion 404 · MethodNotAllowed (a delete marker) 405.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
 */
export const getObjectTagging = defineOperation({
  name: 'GetObjectTagging',
  scope: 'object',
  action: 's3:GetObjectTagging',
  versionAction: 's3:GetObjectVersionTagging',
  decidedBy: 'object',
  parameters: ['VersionId'],

  parse: (request) => ({ method: request.method, key: request.key, versionId: versionIdOf(request) }),

  async run(context, target) {
    return { bucket: context.bucket, version: await findObject(context, target) };
  },

  render: ({ bucket, version }) =>
    xmlReply(taggingDocument(version.attributes.tags), versionIdHeader(bucket, version.versionId)),
});
