import type { StoredObject } from '../../domain/object-version.ts';
import { OBJECT_TAGS_MAX } from '../../domain/tags.ts';
import { parseBodyDigests } from '../body-digests.ts';
import { changeAttributes } from '../change-attributes.ts';
import { versionIdHeader } from '../headers/object-headers.ts';
import { versionIdOf } from '../headers/parameters.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { readTagging } from '../tags.ts';

/**
 * PutObjectTagging: replaces the tags of a version; 10 at most.
 *
 * Errors: InvalidTag, MalformedXML 400 · NoSuchKey, NoSuchVersion 404 · MethodNotAllowed (a delete marker) 405 ·
 *   OperationAborted 409.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
 */
export const putObjectTagging = defineOperation({
  name: 'PutObjectTagging',
  scope: 'object',
  action: 's3:PutObjectTagging',
  versionAction: 's3:PutObjectVersionTagging',
  decidedBy: 'object',
  parameters: ['ChecksumAlgorithm', 'ContentMD5', 'Tagging', 'VersionId'],

  parse: (request) => ({
    target: { method: request.method, key: request.key, versionId: versionIdOf(request) },
    body: request.body,
    digests: parseBodyDigests(request),
  }),

  async run(context, { target, body, digests }) {
    // A policy may ask for the tags, so they are read before anything is known of the object.
    const tags = await readTagging(body, { digests, tagsMax: OBJECT_TAGS_MAX });
    const change = ({ attributes }: StoredObject) => ({ ...attributes, tags });
    const version = await changeAttributes(context, { ...target, requestTags: tags }, change);
    return { bucket: context.bucket, version };
  },

  render: ({ bucket, version }) => reply(200, versionIdHeader(bucket, version.versionId)),
});
