import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startServeProcess } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { runPithos } from './run-pithos.ts';

const SECRET = new URL('../../src/domain/secret.ts', import.meta.url).href;
const KEYS = { accessKeyId: 'FROMHTTP', secretAccessKey: 'over-the-wire' };

/** A keystore that asks another server, as users of Pithos 0.7 wrote them. */
const HTTP_KEYSTORE = `
import { Secret } from '${SECRET}';
export default function openKeystore({ url }) {
  return {
    description: 'keys at ' + url,
    async getKey(accessKeyId, { signal }) {
      const response = await fetch(url + '/' + encodeURIComponent(accessKeyId), { signal });
      if (response.status === 404) return undefined;
      const { tenant, secret } = await response.json();
      return { accessKeyId, secret: new Secret(secret), tenant, displayName: tenant, master: false, memberOf: [] };
    },
    async findTenant() { return undefined; },
    async checkWritable() {},
    async [Symbol.asyncDispose]() {},
  };
}
`;

test('a keystore of a module of somebody else is asked for keys', async () => {
  await using parent = await makeTempDir();
  await using keys = await startKeys();
  const file = join(parent.path, 'pithos.yaml');
  await mkdir(join(parent.path, 'stores'));
  await writeFile(join(parent.path, 'stores', 'http-keys.mjs'), HTTP_KEYSTORE);
  await writeFile(file, `keystore: { use: ./stores/http-keys.mjs, url: "${keys.url}" }\n`);
  await using server = await startServeProcess({
    directory: join(parent.path, 'data'),
    args: ['--log-format', 'json', '-f', file],
    env: { PITHOS_ACCESS_KEY_ID: '', PITHOS_SECRET_ACCESS_KEY: '' },
  });
  expect(server.output()).toContain(`keys at ${keys.url}`);
  const { endpoint } = server;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: KEYS,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  await client.send(new CreateBucketCommand({ Bucket: 'from-a-module' }));
  const { Buckets, Owner } = await client.send(new ListBucketsCommand({}));
  expect(Buckets?.map(({ Name }) => Name)).toEqual(['from-a-module']);
  expect(Owner?.ID).toBe('tenant-of-http');
  const stranger = { accessKeyId: 'NOBODY', secretAccessKey: 'x' };
  const refused = new S3Client({ endpoint, region: 'us-east-1', credentials: stranger, forcePathStyle: true });
  await expect(refused.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: 'InvalidAccessKeyId' });
});

test('an object goes through stores of others of every kind, as the documentation writes them', async () => {
  await using parent = await makeTempDir();
  const file = await writeDocumented(parent.path);
  await using server = await startServeProcess({
    directory: join(parent.path, 'data'),
    workers: 1,
    args: ['--log-format', 'json', '-f', file],
    env: { PITHOS_ACCESS_KEY_ID: '', PITHOS_SECRET_ACCESS_KEY: '' },
  });
  for (const kind of ['one key', 'buckets', 'versions', 'blobs']) expect(server.output()).toContain(`${kind} of ours`);
  const credentials = { accessKeyId: 'OURKEY', secretAccessKey: 'of-our-own' };
  const { endpoint } = server;
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true, maxAttempts: 1 });
  const at = { Bucket: 'of-ours', Key: 'a/b' };
  const body = Buffer.alloc(300_000, 'more than is kept beside a version ');
  await client.send(new CreateBucketCommand({ Bucket: at.Bucket }));
  await client.send(new PutObjectCommand({ ...at, Body: body }));
  const { Body } = await client.send(new GetObjectCommand({ ...at, Range: 'bytes=100000-299999' }));
  expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body.subarray(100_000))).toBe(true);
  expect(server.output()).toContain('created: of-ours of us');
  expect(server.output()).toContain('stored: a/b');
});

const KEYSTORE_OF_A_MODULE = 'keystore: { use: ./store.mjs }';
const THROWS = 'export default () => { throw new Error("no luck"); };';
const NO_STORE = 'export default () => ({ description: "a store" });';

test.each([
  ['is not there', undefined, KEYSTORE_OF_A_MODULE, '1:18: keystore.use: The module ./store.mjs cannot be loaded'],
  [
    'exports no function',
    'export const a = 1;',
    KEYSTORE_OF_A_MODULE,
    '1:18: keystore.use: The module ./store.mjs has no function as its default export',
  ],
  [
    'throws',
    THROWS,
    KEYSTORE_OF_A_MODULE,
    '1:18: keystore.use: The module ./store.mjs did not open its store: no luck',
  ],
  [
    'makes no keystore',
    'export default () => ({ getKey() {} });',
    KEYSTORE_OF_A_MODULE,
    '1:18: keystore.use: What the module ./store.mjs makes is no keystore: it has no checkWritable, findTenant',
  ],
  [
    'makes no bucketstore',
    NO_STORE,
    'bucketstore:\n  use: ./store.mjs',
    '2:8: bucketstore.use: What the module ./store.mjs makes is no bucketstore: it has no checkWritable, getBucket',
  ],
  [
    'makes no metastore',
    NO_STORE,
    'regions:\n  us-east-1:\n    metastore: { use: ./store.mjs }',
    '3:23: regions.us-east-1.metastore.use: What the module ./store.mjs makes is no metastore: it has no checkWritable',
  ],
  [
    'makes no blobstore',
    NO_STORE,
    'regions:\n  us-east-1:\n    storage-classes:\n      standard: { use: ./store.mjs }',
    '4:24: regions.us-east-1.storage-classes.standard.use: What the module ./store.mjs makes is no blobstore: it has no',
  ],
])('a module that %s is told in one line, with the place that names it', async (_, source, text, message) => {
  await using parent = await makeTempDir();
  const file = join(parent.path, 'pithos.yaml');
  if (source !== undefined) await writeFile(join(parent.path, 'store.mjs'), source);
  await writeFile(file, `${text}\n`);
  const ended = await runPithos(['serve', join(parent.path, 'data'), '-f', file, '--port', '0', '--admin-port', 'off']);
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(`${file}:${message}`) });
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
});

/** Writes what `docs/store-modules.md` shows to files, with the sources in place of the package; the configuration. */
async function writeDocumented(directory: string): Promise<string> {
  const text = await readFile(new URL('../../docs/store-modules.md', import.meta.url), 'utf8');
  const [, configuration = ''] = /^```yaml\n([\s\S]*?)^```/m.exec(text) ?? [];
  const modules = [...text.matchAll(/^```js\n\/\/ (\S+)\n([\s\S]*?)^```/gm)];
  expect(modules).toHaveLength(4);
  await mkdir(join(directory, 'stores'));
  for (const [, name = '', source = ''] of modules) {
    const local = source.replaceAll(/'pithos\/(.+)'/g, `'${new URL('../../src', import.meta.url).href}/$1.ts'`);
    await writeFile(join(directory, name), local);
  }
  const file = join(directory, 'pithos.yaml');
  await writeFile(file, configuration);
  return file;
}

async function startKeys(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(({ url }, response) => {
    if (url !== `/${KEYS.accessKeyId}`) response.writeHead(404).end();
    else response.end(JSON.stringify({ tenant: 'tenant-of-http', secret: KEYS.secretAccessKey }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
