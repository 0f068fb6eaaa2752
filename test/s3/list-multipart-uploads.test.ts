import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

describe.each(['memory', 'embedded'] as const)('ListMultipartUploads on the %s engine', (engine) => {
  beforeAll(async () => {
    server = await startTestServer({ engine });
  });
  afterAll(() => server.close());

  test('shows open uploads by key and age, page by page, without the aborted', async () => {
    const { Bucket, ids } = await bucketWith(['c', 'b', 'a', 'a', 'a']);
    await server.client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'a', UploadId: ids[3] }));
    const found: (string | undefined)[] = [];
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (;;) {
      const page = await server.client.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1, ...markers }));
      found.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId));
      if (page.IsTruncated !== true) break;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    expect(found).toEqual([ids[2], ids[4], ids[1], ids[0]]);
  });

  test('shows who began an upload, when, its class and its checksum', async () => {
    const Bucket = await server.newBucket();
    await server.client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'a', ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE' }),
    );
    const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads[0]).toMatchObject({
      Key: 'a',
      StorageClass: 'STANDARD',
      ChecksumAlgorithm: 'SHA256',
      ChecksumType: 'COMPOSITE',
      Initiator: Uploads[0]?.Owner,
    });
    expect(Math.abs((Uploads[0]?.Initiated?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('groups by delimiter and goes on behind a common prefix', async () => {
    const { Bucket } = await bucketWith(['d/1', 'd/2', 'e', 'f/1']);
    const found: (string | undefined)[] = [];
    let KeyMarker: string | undefined;
    for (;;) {
      const page = await server.client.send(
        new ListMultipartUploadsCommand({ Bucket, Delimiter: '/', MaxUploads: 1, KeyMarker }),
      );
      found.push(
        ...(page.Uploads ?? []).map(({ Key }) => Key),
        ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
      );
      if (page.IsTruncated !== true) break;
      KeyMarker = page.NextKeyMarker;
    }
    expect(found).toEqual(['d/', 'e', 'f/']);
  });
});

async function bucketWith(keys: readonly string[]): Promise<{ Bucket: string; ids: (string | undefined)[] }> {
  const Bucket = await server.newBucket();
  const ids: (string | undefined)[] = [];
  for (const Key of keys) {
    ids.push((await server.client.send(new CreateMultipartUploadCommand({ Bucket, Key }))).UploadId);
  }
  return { Bucket, ids };
}
