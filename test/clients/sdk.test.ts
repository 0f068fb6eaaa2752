import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIB, randomBytesOf } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

const UPLOAD_BYTES = 200 * MIB;

let pithos: Pithos;
let s3: S3Client;

beforeAll(async () => {
  pithos = await startPithos();
  const { endpoint, accessKeyId, secretAccessKey } = pithos;
  s3 = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey },
  });
});

afterAll(async () => {
  s3?.destroy();
  await pithos?.[Symbol.asyncDispose]();
});

describe('the AWS SDK for JavaScript', () => {
  test('uploads a stream of 200 MiB with its default checksums and reads the same bytes back', async () => {
    const at = { Bucket: 'sdk-upload', Key: 'large' };
    await s3.send(new CreateBucketCommand({ Bucket: at.Bucket }));
    const sent = createHash('sha256');
    const body = Readable.from(digesting(randomBytesOf('sdk', UPLOAD_BYTES), sent));
    const uploaded = await new Upload({ client: s3, params: { ...at, Body: body }, partSize: 8 * MIB }).done();
    expect(uploaded.ETag).toMatch(/^"[0-9a-f]{32}-25"$/);
    const head = await s3.send(new HeadObjectCommand({ ...at, ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ ContentLength: UPLOAD_BYTES, ChecksumCRC32: expect.any(String) });
    const got = createHash('sha256');
    const { Body } = await s3.send(new GetObjectCommand(at));
    if (!(Body instanceof Readable)) throw new Error('The SDK gave no stream.');
    for await (const piece of Body) got.update(piece);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
  });

  test('stores a stream of unknown digest with a trailing checksum, and verifies it on reading', async () => {
    const at = { Bucket: 'sdk-trailer', Key: 'stream' };
    await s3.send(new CreateBucketCommand({ Bucket: at.Bucket }));
    const put = await s3.send(
      new PutObjectCommand({ ...at, Body: Readable.from(randomBytesOf('t', MIB)), ContentLength: MIB }),
    );
    expect(put.ChecksumCRC32).toEqual(expect.any(String));
    const { Body } = await s3.send(new GetObjectCommand({ ...at, ChecksumMode: 'ENABLED' }));
    const bytes = await Body?.transformToByteArray();
    expect(Buffer.from(bytes ?? []).equals(Buffer.concat([...randomBytesOf('t', MIB)]))).toBe(true);
  });
});

function* digesting(pieces: Iterable<Buffer>, hash: ReturnType<typeof createHash>): Generator<Buffer> {
  for (const piece of pieces) {
    hash.update(piece);
    yield Buffer.from(piece);
  }
}
