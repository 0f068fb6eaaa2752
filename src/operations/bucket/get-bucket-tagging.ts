import { S3Error } from '../../domain/s3-error.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import { taggingDocument } from '../tags.ts';

/**
 * GetBucketTagging: the tags of a bucket, by key.
 *
 * Errors: NoSuchTagSet 404 where none were put.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html
 */
export const getBucketTagging = defineOperation({
  name: 'GetBucketTagging',
  scope: 'bucket',
  action: 's3:GetBucketTagging',
  parameters: [],

  parse: () => undefined,

  async run({ bucket: { name, configuration } }) {
    if (configuration.tags !== undefined) return configuration.tags;
    throw new S3Error('NoSuchTagSet', { elements: { BucketName: name } });
  },

  render: (tags) => xmlReply(taggingDocument(tags)),
});
