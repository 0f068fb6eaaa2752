import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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
  const store = `cluster: ["${testContactPoints().join('", "')}"], keyspace: ${source.name}`;
  await writeFile(
    join(parent.path, 'pithos.yaml'),
    `
keystore:
  keys: { ${KEYS.accessKeyId}: { master: true, tenant: tester, secret: ${KEYS.secretAccessKey} } }
bucketstore: { default-region: myregion, ${store} }
regions:
  myregion:
    metastore: { ${store} }
    storage-classes: { standard: { ${store}, max-chunk: 128k, max-block-chunk: 1024 } }
`,
  );
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await parent[Symbol.asyncDispose]();
});

function importInto(...args: readonly string[]): Promise<Ended> {
  return runPithos(['import', 'pithos-0.7.5', '--from', join(parent.path, 'pithos.yaml'), ...args]);
}

/** A server for the target, with the keys that the original's file has. */
async function serve(): Promise<{ server: ServeProcess; client: S3Client }> {
  const file = join(parent.path, 'to.yaml');
  const key = `{ master: true, tenant: tester, secret: ${KEYS.secretAccessKey} }`;
  await writeFile(file, `keystore: { keys: { ${KEYS.accessKeyId}: ${key} } }\n`);
  const server = await startServeProcess({ directory: directory(), args: ['--config', file] });
  return { server, client: clientOf(server) };
}

function clientOf({ endpoint }: Pick<ServeProcess, 'endpoint'>): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials: KEYS, forcePathStyle: true, maxAttempts: 1 });
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
    expect(first.stdout).toMatch(/left behind: s3:\/\/photos\/open: upload [0-9a-f-]{36} is unfinished\./);
    expect(first.stdout).toMatch(/left behind: The bytes of inode [0-9a-f-]{36}, version [0-9a-f-]{36}, belong to no/);
    expect(first.stdout).toMatch(
      /2 buckets, 4 objects of \d+ bytes copied, 0 the same, 1 row without bytes, 1 unfinished upload and 1 orphan left behind, 0 problems\n$/,
    );
    expect(first.code).toBe(0);
    const again = await importInto(...into, '--rename', 'Old_Name=new-name', '--json', '--no-orphans');
    expect(JSON.parse(again.stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      ...{ kind: 'imported', copiedObjects: 0, sameObjects: 4, orphans: 0, problemsCount: 0 },
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
    const first = await importInto(directory());
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('s3://photos/digest: Its bytes are not those whose MD5 stands in its row.');
    expect(first.stdout).toContain('s3://photos/length: 5 bytes came of an object of 6.');
    expect(first.stdout).toContain('s3://Old_Name: No bucket may have this name today');
    expect(first.stdout).toContain('s3://gone: there are objects of it, but no such bucket.');
    expect(first.stdout).toContain('1 object of 5 bytes copied');
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

/** Two buckets, four objects, and what is left behind: a half row, an upload, and bytes of yesterday and of today. */
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
  await source.upload('photos', 'open');
  await source.orphan({ ageDays: 2 });
  await source.orphan({ ageDays: 0 });
}
