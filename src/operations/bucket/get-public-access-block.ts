import { S3Error } from '../../domain/s3-error.ts';
import { textElement, xmlDocument } from '../../xml/build.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetPublicAccessBlock: which public access a bucket's owner has blocked.
 *
 * Errors: NoSuchPublicAccessBlockConfiguration 404.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html
 */
export const getPublicAccessBlock = defineOperation({
  name: 'GetPublicAccessBlock',
  scope: 'bucket',
  action: 's3:GetBucketPublicAccessBlock',
  parameters: [],

  parse: () => undefined,

  async run({ bucket: { name, configuration } }) {
    if (configuration.publicAccessBlock !== undefined) return configuration.publicAccessBlock;
    throw new S3Error('NoSuchPublicAccessBlockConfiguration', { elements: { BucketName: name } });
  },

  render: ({ blockPublicAcls, ignorePublicAcls, blockPublicPolicy, restrictPublicBuckets }) =>
    xmlReply(
      xmlDocument('PublicAccessBlockConfiguration', [
        textElement('BlockPublicAcls', blockPublicAcls),
        textElement('IgnorePublicAcls', ignorePublicAcls),
        textElement('BlockPublicPolicy', blockPublicPolicy),
        textElement('RestrictPublicBuckets', restrictPublicBuckets),
      ]),
    ),
});
