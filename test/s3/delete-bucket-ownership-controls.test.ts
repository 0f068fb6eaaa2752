import {
  CreateBucketCommand,
  DeleteBucketOwnershipControlsCommand,
  GetBucketOwnershipControlsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('DeleteBucketOwnershipControls lets ACLs count again, and may be repeated', async () => {
  await using server = await startTestServer();
  const Bucket = 'owned-no-more';
  await server.client.send(new CreateBucketCommand({ Bucket, ObjectOwnership: 'BucketOwnerEnforced' }));
  const open = () => server.client.send(new PutObjectCommand({ Bucket, Key: 'key', ACL: 'public-read' }));
  await expect(open()).rejects.toMatchObject({ name: 'AccessControlListNotSupported' });
  for (const _ of [1, 2]) await server.client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
  await open();
  const get = server.client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
  await expect(get).rejects.toMatchObject({ name: 'OwnershipControlsNotFoundError' });
});
