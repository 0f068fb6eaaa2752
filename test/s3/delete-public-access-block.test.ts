import {
  DeletePublicAccessBlockCommand,
  GetPublicAccessBlockCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('DeletePublicAccessBlock blocks nothing any more, and may be repeated', async () => {
  await using server = await startTestServer();
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const { Bucket } = name;
  const PublicAccessBlockConfiguration = { BlockPublicAcls: true, IgnorePublicAcls: true };
  await server.client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  for (const _ of [1, 2]) await server.client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await server.client.send(new PutObjectCommand({ ...name, ACL: 'public-read' }));
  expect((await fetch(`${server.endpoint}/${Bucket}/key`)).status).toBe(200);
  const get = server.client.send(new GetPublicAccessBlockCommand({ Bucket }));
  await expect(get).rejects.toMatchObject({ name: 'NoSuchPublicAccessBlockConfiguration' });
});
