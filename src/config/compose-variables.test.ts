import { describe, expect, test } from 'vitest';
import type { Environment } from './environment.ts';
import { loadConfiguration } from './load.ts';

const NO_FILE = '/nowhere/pithos.yaml';

async function load(environment: Environment, settings?: Readonly<Record<string, unknown>>) {
  return (await loadConfiguration({ environment, systemFile: NO_FILE, settings })).config;
}

const PITHOS = { PITHOS_ACCESS_KEY_ID: 'OURS', PITHOS_SECRET_ACCESS_KEY: 'a' };
const MINIO = { MINIO_ROOT_USER: 'ROOT', MINIO_ROOT_PASSWORD: 'b' };
const AWS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'c' };

test.each<[what: string, environment: Environment, id: string | undefined, variable: string | undefined]>([
  ['our own before the others', { ...AWS, ...MINIO, ...PITHOS }, 'OURS', 'PITHOS_SECRET_ACCESS_KEY'],
  ["MinIO's before that of clients", { ...AWS, ...MINIO }, 'ROOT', 'MINIO_ROOT_PASSWORD'],
  ['that of clients', AWS, 'AKIA', 'AWS_SECRET_ACCESS_KEY'],
  ['no session of AWS', { ...AWS, AWS_SESSION_TOKEN: 'x' }, undefined, undefined],
  ['no empty one', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }, undefined, undefined],
])('the key of the environment is %s', async (_, environment, id, variable) => {
  const { environmentKey, secretVariable } = (await load(environment)).keystore;
  expect(environmentKey?.accessKeyId).toBe(id);
  expect(secretVariable).toBe(variable);
});

test('half a pair is a mistake', async () => {
  const half = load({ MINIO_ROOT_USER: 'ROOT' });
  await expect(half).rejects.toThrow('MINIO_ROOT_PASSWORD: must be set where MINIO_ROOT_USER is');
});

describe('buckets', () => {
  const TWO = [
    { name: 'a-bucket', acl: 'private' },
    { name: 'site', acl: 'public-read' },
  ];
  test.each<[string, Environment, Readonly<Record<string, unknown>> | undefined]>([
    ['PITHOS_BUCKETS', { PITHOS_BUCKETS: 'a-bucket, site:public-read', S3_BUCKET: 'other' }, undefined],
    ['S3_BUCKET', { S3_BUCKET: 'a-bucket,site:public-read' }, undefined],
    ['their own variable', { PITHOS_OPTIONS_BUCKETS: 'a-bucket,site:public-read', PITHOS_BUCKETS: 'other' }, undefined],
    ['the settings', {}, { options: { buckets: ['a-bucket', 'site:public-read'] } }],
  ])('may come from %s', async (_, environment, settings) => {
    expect((await load(environment, settings)).options.buckets).toEqual(TWO);
  });

  test.each([
    ['Photos', 'PITHOS_BUCKETS: must be names of buckets'],
    ['photos:everybody', 'PITHOS_BUCKETS: must be names of buckets'],
  ])('%s is none', async (text, message) => {
    await expect(load({ PITHOS_BUCKETS: text })).rejects.toThrow(message);
  });

  test('have no ACL where ACLs are off', async () => {
    const options = { 'object-ownership': 'BucketOwnerEnforced', buckets: 'site:public-read' };
    await expect(load({}, { options })).rejects.toThrow('cannot give site an ACL');
  });
});

describe('a key that everybody knows', () => {
  const known = { MINIO_ROOT_USER: 'minioadmin', MINIO_ROOT_PASSWORD: 'minioadmin' };
  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('is accepted on %s', async (host) => {
    expect((await load(known, { service: { host } })).keystore.environmentKey?.accessKeyId).toBe('minioadmin');
  });

  test.each(['0.0.0.0', '::', 's3.example.com'])('is refused on %s', async (host) => {
    await expect(load(known, { service: { host } })).rejects.toThrow(
      `MINIO_ROOT_PASSWORD: minioadmin is a key that everybody knows: choose another secret, or answer on 127.0.0.1 instead of ${host}`,
    );
  });

  test('is refused in the file too, and with another secret it is nobody else’s', async () => {
    const settings = (secret: string) => ({
      service: { host: '0.0.0.0' },
      keystore: { keys: { minioadmin: { tenant: 't', secret } } },
    });
    await expect(load({}, settings('minioadmin'))).rejects.toThrow('keystore.keys.minioadmin: minioadmin is a key');
    expect((await load({}, settings('of my own'))).service.host).toBe('0.0.0.0');
  });
});

test('a module is no mistyped engine', async () => {
  const store = (await load({}, { keystore: { use: 'my-keys', url: 'http://a', depth: { of: [1, true] } } })).keystore
    .store;
  expect(store).toMatchObject({
    use: 'module',
    module: { name: 'my-keys', section: { use: 'my-keys', url: 'http://a', depth: { of: ['1', 'true'] } } },
  });
  await expect(load({}, { keystore: { use: 'embeded' } })).rejects.toThrow('must be one of embedded');
});
