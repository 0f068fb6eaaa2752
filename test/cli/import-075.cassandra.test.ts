import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketLocationCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PART_BYTES_MIN } from '../../src/domain/upload.ts';
import { openTestKeyspace, serveArguments, testContactPoints } from '../support/cassandra.ts';
import { Pithos075Keyspace } from '../support/pithos-075-keyspace.ts';
import { type ServeProcess, startServeProcess, withoutUserSettings } from '../support/serve-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { type Ended, runPithos } from './run-pithos.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const KEYS = { accessKeyId: 'AKIAOFTESTER', secretAccessKey: 'secret-of-tester' };
const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers';
/** Irregular chunks, several blocks, an empty chunk and an empty block at the end. */
const LARGE = [
  [Buffer.alloc(8_192, 'a'), Buffer.alloc(0), Buffer.alloc(1, 'b'), Buffer.alloc(524_288, 'c')],
  [Buffer.alloc(70_001, 'd'), Buffer.alloc(524_288, 'e'), Buffer.alloc(524_288, 'f'), Buffer.alloc(3, 'g')],
  [],
];
const PUBLIC = '{:FULL_CONTROL [{:ID nil, :DisplayName nil}], :READ [{:URI "anonymous"}]}';

let parent: TempDir;
let source: Pithos075Keyspace;
beforeEach(async () => {
  parent = await makeTempDir();
  source = await Pithos075Keyspace.make(testContactPoints(), { sizeColumn: true });
  await writeConfiguration({});
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await parent[Symbol.asyncDispose]();
});

/** The original's file; `regions` has the keyspaces of regions beside the first. */
async function writeConfiguration(regions: Readonly<Record<string, string>>): Promise<void> {
  const storeIn = (keyspace: string) => `cluster: ["${testContactPoints().join('", "')}"], keyspace: ${keyspace}`;
  const lines = Object.entries({ myregion: source.name, ...regions }).map(
    ([name, keyspace]) => `
  ${name}:
    metastore: { ${storeIn(keyspace)} }
    storage-classes: { standard: { ${storeIn(keyspace)}, max-chunk: 128k, max-block-chunk: 1024 } }`,
  );
  await writeFile(
    join(parent.path, 'pithos.yaml'),
    `
keystore:
  keys: { ${KEYS.accessKeyId}: { master: true, tenant: tester, secret: ${KEYS.secretAccessKey} } }
bucketstore: { default-region: myregion, ${storeIn(source.name)} }
regions:${lines.join('')}
`,
  );
}

function importInto(...args: readonly string[]): Promise<Ended> {
  return runPithos(['import', 'pithos-0.7.5', '--from', join(parent.path, 'pithos.yaml'), ...args]);
}

/** A server for the target, with the keys that the original's file has, and `more` settings. */
async function serve(more = ''): Promise<{ server: ServeProcess; client: S3Client }> {
  const file = join(parent.path, 'to.yaml');
  const key = `{ master: true, tenant: tester, secret: ${KEYS.secretAccessKey} }`;
  await writeFile(file, `keystore: { keys: { ${KEYS.accessKeyId}: ${key} } }\n${more}`);
  const server = await startServeProcess({ directory: directory(), args: ['--config', file] });
  return { server, client: clientOf(server) };
}

function clientOf({ endpoint }: Pick<ServeProcess, 'endpoint'>): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: KEYS, forcePathStyle: true, maxAttempts: 1 });
}

function md5Of(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

const directory = () => join(parent.path, 'to');

describe.each(['a data directory', 'a cluster'])('import of Pithos 0.7.5 into %s', (engine) => {
  test('brings buckets and objects as they are, tells what stays, changes nothing, and finds it again', async () => {
    await fill();
    const before = await source.everything();
    await using keyspace = engine === 'a cluster' ? await openTestKeyspace() : undefined;
    const into = keyspace === undefined ? [directory()] : serveArguments(keyspace);
    const first = await importInto(...into, '--rename', 'Old_Name=new-name');
    expect(first.stderr).toBe('');
    expect(first.stdout).toContain('left behind: s3://photos/half: its row has no bytes.');
    expect(first.stdout).toMatch(/left behind: The bytes of inode [0-9a-f-]{36}, version [0-9a-f-]{36}, belong to no/);
    expect(first.stdout).toMatch(
      /2 buckets, 4 objects of \d+ bytes copied, 0 the same, 1 unfinished upload with 1 part copied, 0 the same, 1 row without bytes, 0 unfinished uploads and 1 orphan left behind, 0 problems\n$/,
    );
    expect(first.code).toBe(0);
    const again = await importInto(...into, '--rename', 'Old_Name=new-name', '--json', '--no-orphans');
    expect(JSON.parse(again.stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      ...{ kind: 'imported', copiedObjects: 0, sameObjects: 4, orphans: 0, problemsCount: 0 },
      ...{ copiedUploads: 0, copiedParts: 0, sameUploads: 1, openUploads: 0 },
    });
    expect(await source.everything()).toBe(before);
  });
});

describe('import of Pithos 0.7.5', () => {
  test('keeps bytes, headers, metadata, time, ETag, ACLs and CORS rules as clients see them', async () => {
    await fill();
    expect(await importInto(directory(), '--rename', 'Old_Name=new-name')).toMatchObject({ code: 0 });
    await using parts = new AsyncDisposableStack();
    const { server, client } = await serve();
    parts.use(server);
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(expect.arrayContaining(['new-name', 'photos']));
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'photos' }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(['empty', 'large', 'ä/ö']);
    const large = await client.send(new GetObjectCommand({ Bucket: 'photos', Key: 'large' }));
    expect(large).toMatchObject({
      ...{ ContentType: 'image/png', CacheControl: 'no-cache', Metadata: { colour: 'blue' } },
      LastModified: new Date('2015-03-04T05:06:07.000Z'),
      ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
    });
    const bytes = Buffer.from((await large.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Buffer.concat(LARGE.flat()))).toBe(true);
    const acl = await client.send(new GetObjectAclCommand({ Bucket: 'photos', Key: 'large' }));
    const grants = acl.Grants?.map(({ Grantee, Permission }) => [Grantee?.ID ?? Grantee?.URI, Permission]);
    expect(grants?.toSorted()).toEqual([
      [ALL_USERS, 'READ'],
      ['tester', 'FULL_CONTROL'],
    ]);
    expect((await fetch(`${server.endpoint}/photos/large`)).status).toBe(200);
    expect((await fetch(`${server.endpoint}/photos/empty`)).status).toBe(403);
    const bucketAcl = await client.send(new GetBucketAclCommand({ Bucket: 'new-name' }));
    expect(bucketAcl.Grants).toHaveLength(2);
    const cors = await client.send(new GetBucketCorsCommand({ Bucket: 'photos' }));
    expect(cors.CORSRules).toEqual([
      { AllowedOrigins: ['*'], AllowedMethods: ['GET'], AllowedHeaders: ['*'], MaxAgeSeconds: 3000 },
    ]);
  });

  test('tells a wrong MD5, a wrong length and a name of no bucket, brings the rest, and then only what is new', async () => {
    await source.bucket('photos');
    await source.bucket('Old_Name');
    const body = [[Buffer.from('right')]];
    await source.object({ bucket: 'photos', key: 'digest', blocks: body, checksum: '0'.repeat(32) });
    await source.object({ bucket: 'photos', key: 'length', blocks: body, sizeBytes: 6 });
    await source.object({ bucket: 'photos', key: 'whole', blocks: body });
    await source.object({ bucket: 'gone', key: 'whole', blocks: body });
    const lost = await source.upload('gone', 'parts');
    const broken = await source.upload('photos', 'parts', {
      parts: [Buffer.from('one'), Buffer.from('two')],
      checksums: ['0'.repeat(32)],
    });
    const first = await importInto(directory());
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('s3://photos/digest: Its bytes are not those whose MD5 stands in its row.');
    expect(first.stdout).toContain('s3://photos/length: 5 bytes came of an object of 6.');
    expect(first.stdout).toContain('s3://Old_Name: No bucket may have this name today');
    expect(first.stdout).toContain('s3://gone: there are objects of it, but no such bucket.');
    expect(first.stdout).toContain('1 object of 5 bytes copied');
    expect(first.stdout).toContain(
      `s3://photos/parts: upload ${broken}: part 1: its bytes are not those whose MD5 stands in its row.`,
    );
    expect(first.stdout).toContain(
      `left behind: s3://gone/parts: upload ${lost} is of no bucket that was brought over.`,
    );
    expect(first.stdout).toContain('1 unfinished upload with 1 part copied, 0 the same');
    expect(first.stdout).toContain('1 unfinished upload and 0 orphans left behind');
    await source.object({ bucket: 'photos', key: 'digest', blocks: body });
    await source.object({ bucket: 'photos', key: 'length', blocks: body });
    await source.object({ bucket: 'photos', key: 'whole', blocks: body, acl: PUBLIC });
    const second = await importInto(directory());
    expect(second.stdout).toMatch(/2 objects of 10 bytes copied, 1 the same/);
    const { server, client } = await serve();
    await using _ = server;
    expect((await fetch(`${server.endpoint}/photos/whole`)).status).toBe(200);
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'photos' }));
    expect(Contents).toHaveLength(3);
  });

  test('brings an unfinished upload that a client finds, goes on with and completes, and makes it once', async () => {
    const at = { Bucket: 'photos', Key: 'film' };
    const parts = [Buffer.alloc(PART_BYTES_MIN, 'first'), Buffer.alloc(PART_BYTES_MIN, 'next'), Buffer.from('tail')];
    const [first = Buffer.of(), , tail = Buffer.of()] = parts;
    await source.bucket('photos');
    const metadata = { 'content-type': 'video/mp4', 'x-amz-meta-colour': 'blue', acl: PUBLIC };
    const upload = await source.upload('photos', 'film', { parts: parts.slice(0, 1), metadata });
    await source.upload('photos', 'film-2', { parts: [] });
    await source.upload('photos', 'film');
    expect((await importInto(directory())).stdout).toContain('3 unfinished uploads with 2 parts copied');
    const name = { bucket: 'photos', key: 'film', upload };
    await source.part(name, { partNumber: 2, bytes: Buffer.from('replaced') });
    await source.part(name, { partNumber: 3, bytes: tail });
    expect((await importInto(directory())).stdout).toContain('1 unfinished upload with 2 parts copied, 2 the same');
    await source.part(name, { partNumber: 2, bytes: parts[1] ?? tail, modified: '2015-03-05T00:00:00.000Z' });
    expect((await importInto(directory())).stdout).toContain('1 unfinished upload with 1 part copied, 2 the same');
    const { server, client } = await serve();
    await using _ = server;
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'photos' }));
    expect(Uploads.map(({ Key }) => Key)).toEqual(['film', 'film', 'film-2']);
    expect(Uploads[0]).toMatchObject({
      ...{ Initiated: new Date('2015-03-04T05:06:07.000Z'), Owner: { ID: 'tester' }, Initiator: { ID: 'tester' } },
    });
    const listed = await Promise.all(
      Uploads.slice(0, 2).map(({ UploadId }) => client.send(new ListPartsCommand({ ...at, UploadId }))),
    );
    const found = listed.find(({ Parts }) => Parts?.length === parts.length);
    expect(found?.Parts?.[0]).toMatchObject({ Size: PART_BYTES_MIN, ETag: `"${md5Of(first)}"` });
    const Parts = found?.Parts?.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    const UploadId = found?.UploadId;
    await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
    const film = await client.send(new GetObjectCommand(at));
    expect(film).toMatchObject({ ContentType: 'video/mp4', Metadata: { colour: 'blue' } });
    const bytes = Buffer.from((await film.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Buffer.concat(parts))).toBe(true);
    expect((await fetch(`${server.endpoint}/photos/film`)).status).toBe(200);
  });

  test('leaves a part that a client has sent to the target since', async () => {
    await source.bucket('photos');
    await source.upload('photos', 'film');
    await importInto(directory());
    {
      const { server, client } = await serve();
      await using _ = server;
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'photos' }));
      const at = { Bucket: 'photos', Key: 'film', UploadId: Uploads[0]?.UploadId };
      await client.send(new UploadPartCommand({ ...at, PartNumber: 1, Body: 'newer' }));
      expect((await importInto(directory())).stdout).toContain('0 unfinished uploads with 0 parts copied, 1 the same');
      const { Parts } = await client.send(new ListPartsCommand(at));
      expect(Parts).toEqual([expect.objectContaining({ ETag: `"${md5Of(Buffer.from('newer'))}"` })]);
    }
  });

  test('reads each region in the keyspaces that it has, and keeps the region where the target has it', async () => {
    await using second = await Pithos075Keyspace.make(testContactPoints());
    await writeConfiguration({ otherregion: second.name });
    await source.bucket('photos');
    await source.bucket('films', { region: 'otherregion' });
    await source.bucket('lost', { region: 'thirdregion' });
    await source.object({ bucket: 'photos', key: 'here', blocks: LARGE });
    await second.object({ bucket: 'films', key: 'there', blocks: LARGE });
    await second.upload('films', 'open');
    await second.orphan({ ageDays: 2 });
    const file = join(parent.path, 'regions.yaml');
    await writeFile(file, 'bucketstore: { default-region: eu }\nregions: { eu: {}, otherregion: {} }\n');
    const first = await importInto(directory(), '--config', file);
    expect(first.stdout).toContain('s3://lost: The source does not configure its region thirdregion.');
    expect(first.stdout).toMatch(
      /3 buckets, 2 objects of \d+ bytes copied, 0 the same, 1 unfinished upload with 1 part copied, .* 1 orphan left behind, 1 problem\n$/,
    );
    const again = await importInto(directory(), '--config', file);
    expect(again.stdout).toContain('0 objects of 0 bytes copied, 2 the same, 0 unfinished uploads with 0 parts copied');
    const { server, client } = await serve(
      'bucketstore: { default-region: eu }\nregions: { eu: {}, otherregion: {} }\n',
    );
    await using _ = server;
    const placeOf = (Bucket: string) => client.send(new GetBucketLocationCommand({ Bucket }));
    expect(await placeOf('photos')).toMatchObject({ LocationConstraint: 'eu' });
    expect(await placeOf('films')).toMatchObject({ LocationConstraint: 'otherregion' });
    for (const at of [
      { Bucket: 'photos', Key: 'here' },
      { Bucket: 'films', Key: 'there' },
    ]) {
      const { Body } = await client.send(new GetObjectCommand(at));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(Buffer.concat(LARGE.flat()))).toBe(true);
    }
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'films' }));
    expect(Uploads?.map(({ Key }) => Key)).toEqual(['open']);
  });

  test('goes on where a run was killed', async () => {
    await source.bucket('photos');
    const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`);
    for (const key of keys) await source.object({ bucket: 'photos', key, blocks: LARGE });
    const args = ['import', 'pithos-0.7.5', '--from', join(parent.path, 'pithos.yaml'), directory(), '--parallel', '1'];
    const child = execFile(process.execPath, [MAIN, ...args, '--json'], { env: withoutUserSettings(process.env) });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // The first line of progress, after two seconds.
    child.stdout?.once('data', () => child.kill('SIGKILL'));
    await ended;
    const { code, stdout } = await importInto(directory(), '--json');
    expect(code).toBe(0);
    const report: { copiedObjects: number; sameObjects: number } = JSON.parse(
      stdout.trimEnd().split('\n').at(-1) ?? '',
    );
    expect(report.copiedObjects + report.sameObjects).toBe(keys.length);
    expect(report.sameObjects).toBeGreaterThan(0);
    expect(report.copiedObjects).toBeGreaterThan(0);
    expect(await runPithos(['fsck', directory(), '--deep'])).toMatchObject({ code: 0 });
  });

  test('refuses a target in the keyspace of the source, and a source that is none of Pithos 0.7', async () => {
    const [node = ''] = testContactPoints();
    const same = await importInto('--cassandra', node, '--keyspace', source.name);
    expect(same).toMatchObject({ code: 2, stderr: expect.stringContaining('is the keyspace of the source') });
    await using keyspace = await openTestKeyspace();
    const other = await runPithos([
      ...['import', 'pithos-0.7.5', directory(), '--from'],
      await configurationOf(keyspace.options.keyspace),
    ]);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('has no table bucket') });
  });
});

async function configurationOf(keyspace: string): Promise<string> {
  const file = join(parent.path, 'other.yaml');
  await writeFile(file, `cassandra: { cluster: ["${testContactPoints().join('", "')}"], keyspace: ${keyspace} }\n`);
  return file;
}

/** Two buckets, four objects, an upload, and what is left behind: a half row and bytes of yesterday and of today. */
async function fill(): Promise<void> {
  const cors = '[{:origins ["*"], :methods [:get], :headers ["*"], :exposed [], :max-age "3000"}]';
  await source.bucket('photos', { cors });
  await source.bucket('Old_Name', { acl: '{:FULL_CONTROL [{:ID "tester"}], :READ [{:URI "authenticated"}]}' });
  const metadata = { 'content-type': 'image/png', 'cache-control': 'no-cache', 'x-amz-meta-colour': 'blue' };
  await source.object({ bucket: 'photos', key: 'large', blocks: LARGE, metadata, acl: PUBLIC });
  await source.object({ bucket: 'photos', key: 'empty' });
  await source.object({ bucket: 'photos', key: 'ä/ö', blocks: [[Buffer.from('small')]], acl: 'nil' });
  await source.object({
    bucket: 'Old_Name',
    key: 'one',
    blocks: [[Buffer.from('1')], [Buffer.from('2')]],
    metadata: {},
  });
  await source.halfRow('photos', 'half');
  await source.upload('photos', 'open', { checksums: ['0'] });
  await source.orphan({ ageDays: 2 });
  await source.orphan({ ageDays: 0 });
}
