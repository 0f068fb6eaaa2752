import type { VersioningStatus } from '../../domain/bucket.ts';
import { textElement, xmlDocument } from '../../xml/build.ts';
import { defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';

const STATUS_TEXTS: Readonly<Record<VersioningStatus, string | undefined>> = {
  unversioned: undefined,
  enabled: 'Enabled',
  suspended: 'Suspended',
};

/**
 * GetBucketVersioning: `Enabled` or `Suspended`; no status at all where versioning was never enabled.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
 */
export const getBucketVersioning = defineOperation({
  name: 'GetBucketVersioning',
  scope: 'bucket',
  action: 's3:GetBucketVersioning',
  parameters: [],

  parse: () => undefined,

  async run({ bucket }) {
    return bucket.configuration.versioning;
  },

  render: (versioning) =>
    xmlReply(xmlDocument('VersioningConfiguration', [textElement('Status', STATUS_TEXTS[versioning])])),
});
