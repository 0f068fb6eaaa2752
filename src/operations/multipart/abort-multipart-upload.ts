import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { noSuchUpload, uploadTarget } from './upload-target.ts';

/**
 * AbortMultipartUpload: drops an open upload; its parts are reclaimed. An object that a complete has made keeps them.
 *
 * Errors: NoSuchUpload 404, also for an upload that was completed.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
 */
export const abortMultipartUpload = defineOperation({
  name: 'AbortMultipartUpload',
  scope: 'object',
  action: 's3:AbortMultipartUpload',
  parameters: ['UploadId'],

  parse: uploadTarget,

  async run({ bucket, region, signal }, { key, uploadId }) {
    const outcome = await region.meta.abortUpload({ bucketId: bucket.id, key, uploadId }, { signal });
    if (outcome === 'no-such-upload') throw noSuchUpload(uploadId);
  },

  render: () => reply(204),
});
