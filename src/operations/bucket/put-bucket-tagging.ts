import { BUCKET_TAGS_MAX } from '../../domain/tags.ts';
import { parseBodyDigests } from '../body-digests.ts';
import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { readTagging } from '../tags.ts';

/**
 * PutBucketTagging: replaces the tags of a bucket; 50 at most.
 *
 * Errors: InvalidTag, MalformedXML 400 · OperationAborted 409.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html
 */
export const putBucketTagging = defineOperation({
  name: 'PutBucketTagging',
  scope: 'bucket',
  action: 's3:PutBucketTagging',
  parameters: ['ChecksumAlgorithm', 'ContentMD5', 'Tagging'],

  parse: (request) => ({ body: request.body, digests: parseBodyDigests(request) }),

  async run(context, { body, digests }) {
    const tags = await readTagging(body, { digests, tagsMax: BUCKET_TAGS_MAX });
    await changeConfiguration(context, (configuration) => ({ ...configuration, tags }));
  },

  render: () => reply(204),
});
