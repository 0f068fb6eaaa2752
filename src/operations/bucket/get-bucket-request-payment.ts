import { textElement, xmlDocument } from '../../xml/build.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

/**
 * GetBucketRequestPayment: who is charged for requests, the bucket's owner unless said.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html
 */
export const getBucketRequestPayment = defineOperation({
  name: 'GetBucketRequestPayment',
  scope: 'bucket',
  action: 's3:GetBucketRequestPayment',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    return bucket.configuration.requestPayer ?? 'BucketOwner';
  },

  render: (payer) => xmlReply(xmlDocument('RequestPaymentConfiguration', [textElement('Payer', payer)])),
});
