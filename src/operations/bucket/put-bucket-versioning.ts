import type { VersioningStatus } from '../../domain/bucket.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { XmlElement } from '../../xml/parse.ts';
import { type BodyDigests, parseBodyDigests } from '../body-digests.ts';
import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import type { RequestBody } from '../request.ts';
import { fieldsOf, malformedXml, readXmlBody } from '../xml-body.ts';

const BODY_BYTES_MAX = 1024 ** 2;

interface PutBucketVersioningInput {
  readonly body: RequestBody;
  readonly digests: BodyDigests;
}

/**
 * PutBucketVersioning: enables or suspends versioning; a bucket never becomes unversioned again.
 *
 * Errors: IllegalVersioningConfigurationException, MalformedXML 400 · OperationAborted 409 ·
 *   NotImplemented 501 for MFA delete.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
 */
export const putBucketVersioning = defineOperation({
  name: 'PutBucketVersioning',
  scope: 'bucket',
  action: 's3:PutBucketVersioning',
  parameters: ['ChecksumAlgorithm', 'ContentMD5', 'VersioningConfiguration'],

  parse: (request): PutBucketVersioningInput => ({ body: request.body, digests: parseBodyDigests(request) }),

  async run(context, { body, digests }) {
    const limits = { root: 'VersioningConfiguration', bytesMax: BODY_BYTES_MAX, digests };
    const versioning = statusOf(await readXmlBody(body, limits));
    await changeConfiguration(context, (configuration) => ({ ...configuration, versioning }));
  },

  render: () => reply(200),
});

function statusOf(configuration: XmlElement): Exclude<VersioningStatus, 'unversioned'> {
  const fields = fieldsOf(configuration, { single: ['MfaDelete', 'Status'] });
  checkMfaDelete(fields.text('MfaDelete'));
  const status = fields.text('Status');
  switch (status) {
    case 'Enabled':
      return 'enabled';
    case 'Suspended':
      return 'suspended';
    case undefined:
      throw new S3Error('IllegalVersioningConfigurationException', {
        message: 'The Versioning element must be specified: give a Status of Enabled or Suspended.',
      });
    default:
      throw malformedXml('The Status must be Enabled or Suspended.');
  }
}

/** `Disabled` is how every bucket is. */
function checkMfaDelete(mfaDelete: string | undefined): void {
  if (mfaDelete === undefined || mfaDelete === 'Disabled') return;
  if (mfaDelete !== 'Enabled') throw malformedXml('MfaDelete must be Enabled or Disabled.');
  throw new S3Error('NotImplemented', { message: 'The element MfaDelete is not implemented: leave it out.' });
}
