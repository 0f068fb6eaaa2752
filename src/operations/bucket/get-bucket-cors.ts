import { S3Error } from '../../domain/s3-error.ts';
import { corsDocument } from '../cors-document.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetBucketCors: the rules by which browsers let pages of other origins use a bucket.
 *
 * Errors: NoSuchCORSConfiguration 404 where none were put; rules of the server's configuration are not shown.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html
 */
export const getBucketCors = defineOperation({
  name: 'GetBucketCors',
  scope: 'bucket',
  action: 's3:GetBucketCORS',
  parameters: [],

  parse: () => undefined,

  async run({ bucket: { name, configuration } }) {
    if (configuration.cors !== undefined) return configuration.cors;
    throw new S3Error('NoSuchCORSConfiguration', { elements: { BucketName: name } });
  },

  render: (rules) => xmlReply(corsDocument(rules)),
});
