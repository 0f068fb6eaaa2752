import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { openTestKeyspace, serveArguments } from '../support/cassandra.ts';
import { startTestServer } from '../support/start-server.ts';
import { runPithos } from './run-pithos.ts';

test('import brings objects and uploads into a keyspace, once', async () => {
  await using source = await startTestServer({ engine: 'memory' });
  await using keyspace = await openTestKeyspace();
  const bucket = await source.newBucket();
  const { client, credentials, endpoint } = source;
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'large', Body: Buffer.alloc(300_000, 'large') }));
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'empty', Body: '' }));
  const at = { Bucket: bucket, Key: 'parts' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
  const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'one part' }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }));
  const target = serveArguments(keyspace);
  const environment = {
    SOURCE_ACCESS_KEY_ID: credentials.accessKeyId,
    SOURCE_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  for (const said of ['3 objects of 300008 bytes copied, 0 the same', '0 objects of 0 bytes copied, 3 the same']) {
    const ended = await runPithos(['import', `s3://${bucket}`, ...target, '--endpoint', endpoint], environment);
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(said) });
  }
  expect(await runPithos(['fsck', '--deep', ...target])).toMatchObject({ code: 0 });
});
