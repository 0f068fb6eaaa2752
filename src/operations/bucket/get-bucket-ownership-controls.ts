import { S3Error } from '../../domain/s3-error.ts';
import { element, textElement, xmlDocument } from '../../xml/build.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetBucketOwnershipControls: whose the objects of a bucket are, where its owner has said so.
 *
 * Errors: OwnershipControlsNotFoundError 404: ACLs count then, as with ObjectWriter.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketOwnershipControls.html
 */
export const getBucketOwnershipControls = defineOperation({
  name: 'GetBucketOwnershipControls',
  scope: 'bucket',
  action: 's3:GetBucketOwnershipControls',
  parameters: [],

  parse: () => undefined,

  async run({ bucket: { name, configuration } }) {
    if (configuration.objectOwnership !== undefined) return configuration.objectOwnership;
    throw new S3Error('OwnershipControlsNotFoundError', { elements: { BucketName: name } });
  },

  render: (ownership) =>
    xmlReply(xmlDocument('OwnershipControls', [element('Rule', [textElement('ObjectOwnership', ownership)])])),
});
