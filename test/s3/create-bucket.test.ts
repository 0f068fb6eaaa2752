import {
  CreateBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('CreateBucket', () => {
  test('makes a bucket and says where it is', async () => {
    const { Location, $metadata } = await server.client.send(new CreateBucketCommand({ Bucket: 'shoes' }));
    expect([$metadata.httpStatusCode, Location]).toEqual([200, '/shoes']);
    await server.client.send(new HeadBucketCommand({ Bucket: 'shoes' }));
  });

  test("in us-east-1 makes one's own bucket again and leaves what is in it", async () => {
    const Bucket = await server.newBucket();
    await server.client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'x' }));
    await server.client.send(new CreateBucketCommand({ Bucket }));
    const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents.map(({ Key }) => Key)).toEqual(['kept']);
  });

  test('knows no region but its own', async () => {
    const command = new CreateBucketCommand({
      Bucket: 'elsewhere',
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    });
    await expect(server.client.send(command)).rejects.toMatchObject({ name: 'InvalidLocationConstraint' });
    const location = server.client.send(new GetBucketLocationCommand({ Bucket: 'elsewhere' }));
    await expect(location).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });

  test.each([
    'ab',
    'a'.repeat(64),
    'Upper',
    'under_score',
    '-dash',
    'dash-',
    'dot..dot',
    '192.168.5.4',
    'xn--a',
    'a-s3alias',
  ])('refuses the name %s', async (Bucket) => {
    await expect(server.client.send(new CreateBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'InvalidBucketName',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test.each(['abc', 'a'.repeat(63), '0-9', 'a.b-c'])('takes the name %s', async (Bucket) => {
    await server.client.send(new CreateBucketCommand({ Bucket }));
  });

  test.each([{ ObjectLockEnabledForBucket: true }] as const)(
    'refuses what it does not implement: %j',
    async (parameters) => {
      const command = new CreateBucketCommand({ Bucket: 'refused', ...parameters });
      await expect(server.client.send(command)).rejects.toMatchObject({ $metadata: { httpStatusCode: 501 } });
      await expect(server.client.send(new HeadBucketCommand({ Bucket: 'refused' }))).rejects.toMatchObject({
        $metadata: { httpStatusCode: 404 },
      });
    },
  );

  test('takes what every bucket is anyway', async () => {
    await server.client.send(
      new CreateBucketCommand({
        Bucket: 'plain',
        ACL: 'private',
        ObjectLockEnabledForBucket: false,
        ObjectOwnership: 'BucketOwnerEnforced',
      }),
    );
  });
});
