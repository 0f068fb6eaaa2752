import { parseBodyDigests } from '../body-digests.ts';
import { changeConfiguration } from '../change-configuration.ts';
import { CORS_BYTES_MAX, parseCors } from '../cors-document.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { readXmlBody } from '../xml-body.ts';

/**
 * PutBucketCors: replaces the rules by which browsers let pages of other origins use a bucket; 100 at most.
 *
 * Errors: InvalidRequest, MalformedXML, MaxMessageLengthExceeded 400 · OperationAborted 409.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html
 */
export const putBucketCors = defineOperation({
  name: 'PutBucketCors',
  scope: 'bucket',
  action: 's3:PutBucketCORS',
  parameters: ['ChecksumAlgorithm', 'ContentMD5', 'CORSConfiguration'],

  parse: (request) => ({ body: request.body, digests: parseBodyDigests(request) }),

  async run(context, { body, digests }) {
    const cors = parseCors(await readXmlBody(body, { root: 'CORSConfiguration', bytesMax: CORS_BYTES_MAX, digests }));
    await changeConfiguration(context, (configuration) => ({ ...configuration, cors }));
  },

  render: () => reply(200),
});
