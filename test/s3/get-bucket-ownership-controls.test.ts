import { CreateBucketCommand, GetBucketOwnershipControlsCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('GetBucketOwnershipControls shows what CreateBucket asked for, and is not found where it did not', async () => {
  await using server = await startTestServer();
  const ask = (Bucket: string) => server.client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
  for (const ObjectOwnership of ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const) {
    const Bucket = `owned-${ObjectOwnership.toLowerCase()}`;
    await server.client.send(new CreateBucketCommand({ Bucket, ObjectOwnership }));
    expect((await ask(Bucket)).OwnershipControls).toEqual({ Rules: [{ ObjectOwnership }] });
  }
  await expect(ask(await server.newBucket())).rejects.toMatchObject({ name: 'OwnershipControlsNotFoundError' });
});
