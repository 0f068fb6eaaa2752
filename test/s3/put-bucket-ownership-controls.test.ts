import { randomUUID } from 'node:crypto';
import {
  GetBucketOwnershipControlsCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('PutBucketOwnershipControls disables ACLs and enables them again', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const put = (ObjectOwnership: 'BucketOwnerEnforced' | 'ObjectWriter') => {
    const OwnershipControls = { Rules: [{ ObjectOwnership }] };
    return server.client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
  };
  const open = () => server.client.send(new PutObjectCommand({ Bucket, Key: randomUUID(), ACL: 'public-read' }));
  await open();
  await put('BucketOwnerEnforced');
  await expect(open()).rejects.toMatchObject({ name: 'AccessControlListNotSupported' });
  await put('ObjectWriter');
  await open();
  const { OwnershipControls } = await server.client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
  expect(OwnershipControls?.Rules).toEqual([{ ObjectOwnership: 'ObjectWriter' }]);
});

test('PutBucketOwnershipControls takes exactly one rule that S3 knows', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  const ObjectOwnership = 'ObjectWriter' as const;
  for (const Rules of [
    [],
    [{ ObjectOwnership }, { ObjectOwnership }],
    [{ ObjectOwnership: 'Nobody' as 'ObjectWriter' }],
  ]) {
    const put = server.client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules } }));
    await expect(put).rejects.toMatchObject({ name: 'MalformedXML' });
  }
});
