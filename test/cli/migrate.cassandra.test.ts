import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketCorsCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { PART_BYTES_MIN } from '../../src/domain/upload.ts';
import { openTestKeyspace } from '../support/cassandra.ts';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const BUCKET = 'moved';

test('migrate brings a data directory into a keyspace and back, and clients see the same', async () => {
  await using parent = await makeTempDir();
  await using keyspace = await openTestKeyspace();
  const placeOf = (name: string) => join(parent.path, name);
  const { contactPoints, keyspace: name } = keyspace.options;
  await writeFile(placeOf('from.yaml'), `options: { data-directory: ${placeOf('from')} }\n`);
  await writeFile(placeOf('back.yaml'), `options: { data-directory: ${placeOf('back')} }\n`);
  await writeFile(
    placeOf('cluster.yaml'),
    `cassandra: { cluster: ["${contactPoints.join('", "')}"], keyspace: ${name} }\n`,
  );
  let before: unknown;
  {
    await using server = await startServeProcess({ directory: placeOf('from') });
    const client = clientOf(server);
    await fill(client);
    before = await seen(client);
  }
  await runPithos(['keys', 'create', placeOf('from'), '--tenant', 'mover', '--member-of', 'staff']);
  for (const [from, to] of [
    ['from', 'cluster'],
    ['cluster', 'back'],
  ] as const) {
    const args = ['migrate', '--from', placeOf(`${from}.yaml`), '--to', placeOf(`${to}.yaml`)];
    const ended = await runPithos(args);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/copied: .* 6 versions of \d+ bytes copied, 0 the same, 0 removed/);
    // The upload that is open stays behind in the first move, so that the second finds none.
    expect(ended.stdout).toContain(from === 'from' ? '1 open upload left behind' : '0 open uploads left behind');
    expect(ended.code).toBe(0);
    expect((await runPithos(args)).stdout).toContain('0 versions of 0 bytes copied, 6 the same');
  }
  const compare = ['migrate', '--from', placeOf('from.yaml'), '--to', placeOf('back.yaml'), '--compare'];
  expect(await runPithos(compare)).toMatchObject({ code: 0 });
  const keysIn = (side: string) => runPithos(['keys', 'list', placeOf(side), '--show-secrets']);
  expect(await keysIn('back')).toEqual(await keysIn('from'));
  expect(await runPithos(['fsck', placeOf('back'), '--deep'])).toMatchObject({ code: 0 });
  await using server = await startServeProcess({ directory: placeOf('back') });
  expect(await seen(clientOf(server))).toEqual(before);
});

/** One bucket with six versions, one of them a delete marker, and an upload that is open. */
async function fill(client: S3Client): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: BUCKET, ACL: 'public-read' }));
  const rules = [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'] }];
  await client.send(new PutBucketCorsCommand({ Bucket: BUCKET, CORSConfiguration: { CORSRules: rules } }));
  await client.send(
    new PutBucketTaggingCommand({ Bucket: BUCKET, Tagging: { TagSet: [{ Key: 'team', Value: 'film' }] } }),
  );
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'null version' }));
  await client.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
  const described = { Metadata: { colour: 'blue' }, ContentType: 'text/plain', CacheControl: 'no-cache' };
  const shared = { ACL: 'public-read', Tagging: 'a=b&c=d' } as const;
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'second', ...described, ...shared }));
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'k' }));
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'empty', Body: '' }));
  const Body = Buffer.alloc(600_000, 'large');
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'large', Body, ...shared }));
  const at = { Bucket: BUCKET, Key: 'parts' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at, ...described, ...shared }));
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  // Numbers with a hole.
  for (const [PartNumber, bytes] of [
    [2, Buffer.alloc(PART_BYTES_MIN, 1)],
    [3, Buffer.alloc(PART_BYTES_MIN + 1, 2)],
    [7, Buffer.from('tail')],
  ] as const) {
    const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body: bytes }));
    Parts.push({ PartNumber, ETag });
  }
  await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
  await client.send(new CreateMultipartUploadCommand(at));
}

/** What a client sees of all this, but for version ids. */
async function seen(client: S3Client): Promise<unknown> {
  const ofBucket = { Bucket: BUCKET };
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand(ofBucket));
  const objects = [];
  for (const { Key, VersionId } of Versions) {
    const at = { ...ofBucket, Key, VersionId };
    const { Body, $metadata: _, ...described } = await client.send(new GetObjectCommand(at));
    const { Grants, Owner } = await client.send(new GetObjectAclCommand(at));
    const { TagSet } = await client.send(new GetObjectTaggingCommand(at));
    objects.push({ ...described, ...{ Key, Grants, Owner, TagSet }, VersionId: isNull(VersionId) });
    objects.push(Buffer.from((await Body?.transformToByteArray()) ?? []).toString('base64'));
  }
  const parts = await Promise.all(
    [2, 3, 7].map((PartNumber) => client.send(new HeadObjectCommand({ ...ofBucket, Key: 'parts', PartNumber }))),
  );
  expect(parts.map(({ ContentLength }) => ContentLength)).toEqual([PART_BYTES_MIN, PART_BYTES_MIN + 1, 4]);
  expect(parts[0]?.ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
  const configuration = await Promise.all([
    client.send(new GetBucketAclCommand(ofBucket)),
    client.send(new GetBucketCorsCommand(ofBucket)),
    client.send(new GetBucketTaggingCommand(ofBucket)),
    client.send(new GetBucketVersioningCommand(ofBucket)),
  ]);
  return {
    objects,
    listed: [...Versions, ...DeleteMarkers].map((row) => ({ ...row, VersionId: isNull(row.VersionId) })),
    configuration: configuration.map(({ $metadata: _, ...rest }) => rest),
  };
}

function isNull(versionId: string | undefined): boolean {
  return versionId === 'null';
}

function clientOf({ endpoint, keys }: ServeProcess): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: keys, forcePathStyle: true });
}
