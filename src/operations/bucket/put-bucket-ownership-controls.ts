import { OBJECT_OWNERSHIPS, type ObjectOwnership, parseObjectOwnership } from '../../domain/bucket.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { XmlElement } from '../../xml/parse.ts';
import { grantsOthers } from '../acl/apply-acl.ts';
import { parseBodyDigests } from '../body-digests.ts';
import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { fieldsOf, malformedXml, readXmlBody } from '../xml-body.ts';

const BODY_BYTES_MAX = 64 * 1024;

/**
 * PutBucketOwnershipControls: says whose the objects of a bucket are from now on.
 *
 * Errors: InvalidBucketAclWithObjectOwnership (ACLs are to be disabled, and the bucket's grants to others), MalformedXML
 *   400 · OperationAborted 409.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html
 */
export const putBucketOwnershipControls = defineOperation({
  name: 'PutBucketOwnershipControls',
  scope: 'bucket',
  action: 's3:PutBucketOwnershipControls',
  parameters: ['ChecksumAlgorithm', 'ContentMD5', 'OwnershipControls'],

  parse: (request) => ({ body: request.body, digests: parseBodyDigests(request) }),

  async run(context, { body, digests }) {
    const document = await readXmlBody(body, { root: 'OwnershipControls', bytesMax: BODY_BYTES_MAX, digests });
    const objectOwnership = ruleOf(document);
    await changeConfiguration(context, (configuration, bucket) => {
      if (objectOwnership === 'BucketOwnerEnforced' && grantsOthers(bucket.owner, configuration.acl)) {
        throw new S3Error('InvalidBucketAclWithObjectOwnership', { elements: { BucketName: bucket.name } });
      }
      return { ...configuration, objectOwnership };
    });
  },

  render: () => reply(200),
});

function ruleOf(document: XmlElement): ObjectOwnership {
  const rules = fieldsOf(document, { single: [], repeated: ['Rule'] }).children('Rule');
  const [rule] = rules;
  if (rule === undefined || rules.length > 1) throw malformedXml('OwnershipControls has exactly one Rule.');
  const text = fieldsOf(rule, { single: ['ObjectOwnership'] }).requiredText('ObjectOwnership');
  const ownership = parseObjectOwnership(text);
  if (ownership === undefined) throw malformedXml(`ObjectOwnership must be one of ${OBJECT_OWNERSHIPS.join(', ')}.`);
  return ownership;
}
