import type { PublicAccessBlock } from '../../domain/bucket.ts';
import type { XmlElement } from '../../xml/parse.ts';
import { parseBodyDigests } from '../body-digests.ts';
import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { fieldsOf, readXmlBody } from '../xml-body.ts';

const BODY_BYTES_MAX = 64 * 1024;

/**
 * PutPublicAccessBlock: blocks public ACLs and policies, new ones or all. What is left out is not blocked.
 *
 * Errors: MalformedXML 400 · OperationAborted 409.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html
 */
export const putPublicAccessBlock = defineOperation({
  name: 'PutPublicAccessBlock',
  scope: 'bucket',
  action: 's3:PutBucketPublicAccessBlock',
  parameters: ['ChecksumAlgorithm', 'ContentMD5', 'PublicAccessBlockConfiguration'],

  parse: (request) => ({ body: request.body, digests: parseBodyDigests(request) }),

  async run(context, { body, digests }) {
    const limits = { root: 'PublicAccessBlockConfiguration', bytesMax: BODY_BYTES_MAX, digests };
    const publicAccessBlock = blockOf(await readXmlBody(body, limits));
    await changeConfiguration(context, (configuration) => ({ ...configuration, publicAccessBlock }));
  },

  render: () => reply(200),
});

function blockOf(document: XmlElement): PublicAccessBlock {
  const fields = fieldsOf(document, {
    single: ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'],
  });
  return {
    blockPublicAcls: fields.boolean('BlockPublicAcls') ?? false,
    ignorePublicAcls: fields.boolean('IgnorePublicAcls') ?? false,
    blockPublicPolicy: fields.boolean('BlockPublicPolicy') ?? false,
    restrictPublicBuckets: fields.boolean('RestrictPublicBuckets') ?? false,
  };
}
