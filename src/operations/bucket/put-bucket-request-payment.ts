import { parseBodyDigests } from '../body-digests.ts';
import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { fieldsOf, malformedXml, readXmlBody } from '../xml-body.ts';

const BODY_BYTES_MAX = 64 * 1024;

/**
 * PutBucketRequestPayment: says who is charged for requests. Pithos sends no bills: where requesters pay, those who are
 * not the bucket's tenant must say with `x-amz-request-payer: requester` that they know, and hear that they were charged.
 *
 * Errors: MalformedXML 400 · OperationAborted 409.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketRequestPayment.html
 */
export const putBucketRequestPayment = defineOperation({
  name: 'PutBucketRequestPayment',
  scope: 'bucket',
  action: 's3:PutBucketRequestPayment',
  parameters: ['ChecksumAlgorithm', 'ContentMD5', 'RequestPaymentConfiguration'],

  parse: (request) => ({ body: request.body, digests: parseBodyDigests(request) }),

  async run(context, { body, digests }) {
    const limits = { root: 'RequestPaymentConfiguration', bytesMax: BODY_BYTES_MAX, digests };
    const payer = fieldsOf(await readXmlBody(body, limits), { single: ['Payer'] }).requiredText('Payer');
    if (payer !== 'Requester' && payer !== 'BucketOwner') throw malformedXml('Payer must be Requester or BucketOwner.');
    const requestPayer = payer === 'Requester' ? payer : undefined;
    await changeConfiguration(context, (configuration) => ({ ...configuration, requestPayer }));
  },

  render: () => reply(200),
});
