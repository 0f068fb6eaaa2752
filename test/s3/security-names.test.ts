import { hash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { percentEncode } from '../../src/http/percent.ts';
import { requestFor } from '../support/operation-request.ts';
import { elementText } from '../support/raw-http.ts';
import { IMPLEMENTED, startWholeFront, type WholeFront } from '../support/whole-front.ts';

/**
 * The classes in which a name is taken for something else than a name: a path of the server's disk (path traversal, and
 * authorization for one spelling with storage under another), a bucket of the server's own, a member of a JavaScript
 * object (prototype pollution).
 */

/** Targets as sent, and the key that each names. */
const SPELLINGS: readonly (readonly [sent: string, key: string])[] = [
  ['a/b', 'a/b'],
  ['a//b', 'a//b'],
  ['a/./b', 'a/./b'],
  ['a/../a/b', 'a/../a/b'],
  ['a/x/../b', 'a/x/../b'],
  ['/a/b', '/a/b'],
  ['a/b/', 'a/b/'],
  ['a/b.', 'a/b.'],
  ['a/b%20', 'a/b '],
  ['A/B', 'A/B'],
  ['a%5Cb', 'a\\b'],
  ['a%252Fb', 'a%2Fb'],
  ['a/b:stream', 'a/b:stream'],
  ['a/b::$DATA', 'a/b::$DATA'],
  ['.', '.'],
  ['..', '..'],
  ['../..', '../..'],
  ['%2e%2e', '..'],
  ['..%2f..%2f..%2fetc%2fpasswd', '../../../etc/passwd'],
  ['%252e%252e%252f', '%2e%2e%2f'],
  ['..%5C..%5Cboot.ini', '..\\..\\boot.ini'],
  ['...', '...'],
  ['....//....//etc', '....//....//etc'],
  ['~root', '~root'],
  ['CON', 'CON'],
  ['a%0Ab', 'a\nb'],
  ['%C3%A9', 'é'],
  ['e%CC%81', 'e\u0301'],
  ['%EF%BC%8F..%EF%BC%8F', '\uff0f..\uff0f'],
  ['data.mdb', 'data.mdb'],
  ['$(id)', '$(id)'],
];

const OBJECT_MEMBERS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];

/** Longer than what is stored beside the metadata, so that every body becomes a file of the embedded engine. */
const BODY_BYTES = 80_000;

const bodyOf = (key: string) => Buffer.alloc(BODY_BYTES, `the body of ${JSON.stringify(key)};`);

let whole: WholeFront;

describe.each(['memory', 'embedded'] as const)('on the %s engine', (engine) => {
  beforeAll(async () => {
    whole = await startWholeFront(engine);
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  test('a key is never a path: each spelling is an object of its own to every operation', async () => {
    const bucket = await whole.newBucket();
    const keys = new Set(SPELLINGS.map(([, key]) => key));
    for (const [sent, key] of SPELLINGS) {
      await whole.ok({ method: 'PUT', path: `/${bucket}/${sent}`, body: bodyOf(key) });
    }
    expect(await keysOf(bucket)).toEqual([...keys].sort(byBytes));
    for (const [sent, key] of SPELLINGS) {
      const path = `/${bucket}/${sent}`;
      expect((await whole.ok({ path })).body.equals(bodyOf(key)), key).toBe(true);
      expect((await whole.ok({ method: 'HEAD', path })).headers.get('content-length')).toBe(String(BODY_BYTES));
      const attributes = { path, query: [['attributes', '']] as const, headers: { 'x-amz-object-attributes': 'ETag' } };
      expect((await whole.ok(attributes)).status).toBe(200);
    }
    for (const key of keys) {
      expect(await whole.codeOf({ method: 'DELETE', path: `/${bucket}/${percentEncode(key)}` })).toBe('204');
      keys.delete(key);
      expect(await keysOf(bucket)).toEqual([...keys].sort(byBytes));
    }
  });

  test('a copy and an upload go by the same key as a put, however it is spelled', async () => {
    const bucket = await whole.newBucket();
    for (const [sent, key] of SPELLINGS) {
      const path = `/${bucket}/${sent}`;
      await whole.ok({ method: 'PUT', path, body: bodyOf(key) });
      const source = { 'x-amz-copy-source': `/${bucket}/${percentEncode(key)}` };
      await whole.ok({ method: 'PUT', path: `/${bucket}/copy`, headers: source });
      expect((await whole.ok({ path: `/${bucket}/copy` })).body.equals(bodyOf(key)), key).toBe(true);
      const created = await whole.ok({ method: 'POST', path, query: [['uploads', '']] });
      const uploadId = elementText(created.body, 'UploadId') ?? '';
      const part = {
        path,
        query: [
          ['partNumber', '1'],
          ['uploadId', uploadId],
        ] as const,
      };
      await whole.ok({ method: 'PUT', ...part, headers: source });
      const listed = await whole.ok({ path, query: [['uploadId', uploadId]] });
      const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${elementText(listed.body, 'ETag')}</ETag></Part></CompleteMultipartUpload>`;
      await whole.ok({ method: 'POST', path, query: [['uploadId', uploadId]], body: list });
      expect((await whole.ok({ path })).body.equals(bodyOf(key)), key).toBe(true);
    }
  });

  test('no key shows in the name of a file, and nothing is written outside the data directory', async () => {
    const bucket = await whole.newBucket();
    for (const [sent, key] of SPELLINGS) {
      await whole.ok({ method: 'PUT', path: `/${bucket}/${sent}`, body: bodyOf(key) });
    }
    const files = engine === 'memory' ? [] : await readdir(whole.directory, { recursive: true });
    expect(files.every((file) => /^data(?:\/[\w.-]+)*$/.test(file) && !file.includes('..'))).toBe(true);
    expect(files.filter((file) => file.includes(bucket) || /etc|passwd|boot|stream|CON$/.test(file))).toEqual([]);
  });

  test.each(OBJECT_MEMBERS)('%s is a name like any other, wherever a client may put one', async (name) => {
    const bucket = await whole.newBucket();
    const path = `/${bucket}/${name}`;
    const metadata = `x-amz-meta-${name.toLowerCase()}`;
    const headers = { [metadata]: 'value', 'cache-control': name };
    await whole.ok({ method: 'PUT', path, headers, query: [[name, name]], body: name });
    const got = await whole.ok({ path, query: [[name, '1']], headers: { [name.toLowerCase()]: '1' } });
    expect([got.body.toString(), got.headers.get(metadata)]).toEqual([name, 'value']);
    for (const parameter of ['prefix', 'marker', 'delimiter'] as const) {
      const { body } = await whole.ok({ path: `/${bucket}`, query: [[parameter, name]] });
      expect(elementText(body, parameter[0]?.toUpperCase() + parameter.slice(1))).toBe(name);
    }
    const source = { 'x-amz-copy-source': path };
    await whole.ok({ method: 'PUT', path: `/${bucket}/copy`, headers: source });
    expect((await whole.ok({ path: `/${bucket}/copy` })).headers.get(metadata)).toBe('value');
    expect(await whole.codeOf({ path, query: [['versionId', name]] })).toMatch(
      /^(?:404 NoSuchVersion|400 InvalidArgument)$/,
    );
    expect(await whole.codeOf({ path, query: [['uploadId', name]] })).toBe('404 NoSuchUpload');
    const odd: Record<string, string> = {
      'x-amz-storage-class': name,
      'x-amz-acl': name,
      'x-amz-metadata-directive': name,
    };
    for (const [header, value] of Object.entries(odd)) {
      const request = { method: 'PUT', path: `/${bucket}/copy`, headers: { ...source, [header]: value } };
      expect(await whole.codeOf(request), header).toMatch(/^400 Invalid/);
    }
    for (const body of [
      `<Delete><${name}/></Delete>`,
      `<Delete><Object><Key>k</Key><${name}>1</${name}></Object></Delete>`,
    ]) {
      const request = { method: 'POST', path: `/${bucket}`, query: [['delete', '']] as const, body };
      expect(await whole.codeOf({ ...request, headers: { 'content-md5': md5(body) } })).toBe('400 MalformedXML');
    }
    expect(({} as Record<string, unknown>)['value']).toBeUndefined();
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(PROTOTYPE);
  });

  test.each(['constructor', 'tostring', 'valueof', 'hasownproperty'])(
    '%s is a bucket only once somebody has made it',
    async (name) => {
      expect(await whole.codeOf({ path: `/${name}` })).toBe('404 NoSuchBucket');
      expect(await whole.codeOf({ method: 'PUT', path: `/${name}` })).toBe('200');
      expect(await keysOf(name)).toEqual([]);
    },
  );

  test.each([
    ...[
      '..',
      '.',
      '%2e%2e',
      '.minio.sys',
      '.pithos',
      'data',
      'data.mdb',
      'lost+found',
      '__proto__',
      '%2F',
      '\\',
      '..%2fdata',
    ],
    ...['metrics', 'health', 'admin', 'debug', '_internal', 'blobs', 'CON', 'a%00b', '*', '%20'],
  ])('the server has no bucket of its own by the name of %s', async (name) => {
    for (const [operationName, { scope }] of IMPLEMENTED) {
      if (scope === 'service' || scope === 'new-bucket') continue;
      const { path, ...request } = requestFor(operationName, name);
      expect(await whole.codeOf({ ...request, path }), operationName).toMatch(REFUSED);
    }
  });

  test.each([
    '..',
    '.',
    '%2e%2e',
    '.minio.sys',
    'data.mdb/..',
    '__proto__',
    '%5C',
    '..%2fdata',
    'CON',
    'a%00b',
    '*',
    '%20',
  ])('nobody can make a bucket by the name of %s', async (name) => {
    const request = { method: 'PUT', path: `/${name}` };
    expect(await whole.codeOf(request)).toMatch(/^(?:400 Invalid(?:BucketName|URI)|404 NoSuchBucket)$/);
  });
});

const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype);
/** HEAD has no body that could say why. */
const REFUSED = /^(?:404 NoSuchBucket|404|400 InvalidURI|400 InvalidBucketName|400)$/;

/** Every key of a bucket, in the order listed. */
async function keysOf(bucket: string): Promise<string[]> {
  const { body } = await whole.ok({ path: `/${bucket}`, query: [['encoding-type', 'url']] });
  return [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) =>
    decodeURIComponent(key.replaceAll('+', ' ')),
  );
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function md5(text: string): string {
  return hash('md5', text, 'base64');
}
