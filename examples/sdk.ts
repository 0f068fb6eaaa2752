/**
 * The AWS SDK for JavaScript against Pithos. Start a server (`npm start`), export the lines that it prints
 * (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), then run `node examples/sdk.ts`.
 */
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

const s3 = new S3Client({ region: 'us-east-1', forcePathStyle: true });
const Bucket = `example-sdk-${Date.now()}`;

await s3.send(new CreateBucketCommand({ Bucket }));
await s3.send(new PutObjectCommand({ Bucket, Key: 'hello.txt', Body: 'Hello, Pithos.', Metadata: { language: 'en' } }));

// A stream of any length goes up in parts.
const lines = Readable.from(
  (function* () {
    for (let number = 1; number <= 1_000_000; number += 1) yield `line ${number}\n`;
  })(),
);
await new Upload({ client: s3, params: { Bucket, Key: 'lines.txt', Body: lines } }).done();

const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
for (const { Key, Size } of Contents) console.log(`${Key}: ${Size} bytes`);

const { Body, Metadata } = await s3.send(new GetObjectCommand({ Bucket, Key: 'hello.txt' }));
console.log(await Body?.transformToString(), Metadata);

const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'hello.txt' }), { expiresIn: 60 });
console.log(await (await fetch(url)).text());

for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
await s3.send(new DeleteBucketCommand({ Bucket }));
