import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('PutBucketVersioning', () => {
  test('decides where the next versions go', async () => {
    const Bucket = await server.newBucket();
    const put = async () => (await server.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }))).VersionId;
    expect(await put()).toBeUndefined();
    await setStatus(Bucket, 'Enabled');
    const second = await put();
    const third = await put();
    expect(second).not.toBe(third);
    await setStatus(Bucket, 'Suspended');
    await put();
    expect(await versionsOf(Bucket)).toEqual(['null', third, second]);
    const { DeleteMarker, VersionId } = await server.client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect([DeleteMarker, VersionId]).toEqual([true, 'null']);
    expect(await versionsOf(Bucket)).toEqual([third, second]);
  });

  test.each([
    [{}, 'IllegalVersioningConfigurationException', 400],
    [{ Status: 'Enabled', MFADelete: 'Enabled' }, 'NotImplemented', 501],
  ] as const)('refuses %j', async (VersioningConfiguration, name, httpStatusCode) => {
    const Bucket = await server.newBucket();
    const command = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration });
    await expect(server.client.send(command)).rejects.toMatchObject({ name, $metadata: { httpStatusCode } });
    const { Status } = await server.client.send(new GetBucketVersioningCommand({ Bucket }));
    expect(Status).toBeUndefined();
  });

  test('refuses the header of MFA delete', async () => {
    const Bucket = await server.newBucket();
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    const command = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration, MFA: 'serial 123456' });
    await expect(server.client.send(command)).rejects.toMatchObject({ name: 'NotImplemented' });
  });

  test('verifies the digests of its body', async () => {
    const Bucket = await server.newBucket();
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
      await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration, ChecksumAlgorithm }));
    }
    const wrong = new PutBucketVersioningCommand({
      Bucket,
      VersioningConfiguration,
      ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==',
    });
    await expect(server.client.send(wrong)).rejects.toMatchObject({ name: 'BadDigest' });
  });
});

async function setStatus(Bucket: string, Status: 'Enabled' | 'Suspended'): Promise<void> {
  await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
}

async function versionsOf(Bucket: string): Promise<(string | undefined)[]> {
  const { Versions = [] } = await server.client.send(new ListObjectVersionsCommand({ Bucket }));
  return Versions.map(({ VersionId }) => VersionId);
}
