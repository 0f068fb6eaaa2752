import { GetBucketVersioningCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketVersioning shows no status until versioning is set, and then what was set last', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const shown: (string | undefined)[] = [];
  for (const Status of [undefined, 'Enabled', 'Suspended', 'Enabled'] as const) {
    if (Status !== undefined) {
      await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
    }
    const { Status: status, MFADelete } = await server.client.send(new GetBucketVersioningCommand({ Bucket }));
    shown.push(status);
    expect(MFADelete).toBeUndefined();
  }
  expect(shown).toEqual([undefined, 'Enabled', 'Suspended', 'Enabled']);
});
