import { PutObjectCommand, PutPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-server.ts';

test('PutPublicAccessBlock refuses public ACLs, and hides what has one already', async () => {
  await using server = await startTestServer();
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const open = () => server.client.send(new PutObjectCommand({ ...name, ACL: 'public-read' }));
  const status = async () => (await fetch(`${server.endpoint}/${name.Bucket}/key`)).status;
  const block = (PublicAccessBlockConfiguration: object) =>
    server.client.send(new PutPublicAccessBlockCommand({ Bucket: name.Bucket, PublicAccessBlockConfiguration }));
  await open();
  await block({ BlockPublicAcls: true });
  await expect(open()).rejects.toMatchObject({ name: 'AccessDenied' });
  expect(await status()).toBe(200);
  await block({ IgnorePublicAcls: true });
  expect(await status()).toBe(403);
  await open();
});
