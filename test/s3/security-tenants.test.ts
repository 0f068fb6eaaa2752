import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestFor } from '../support/operation-request.ts';
import { elementText } from '../support/raw-http.ts';
import { ALICE, BOB, type SendOptions } from '../support/start-front.ts';
import { IMPLEMENTED, startWholeFront, type WholeFront } from '../support/whole-front.ts';

/**
 * The classes in which one tenant reaches what is another's: an operation without its check, the source of a copy, a
 * version read as a plain read, an id that is good in another bucket, a name that is taken over after a delete.
 */

let whole: WholeFront;

describe.each(['memory', 'embedded'] as const)('on the %s engine', (engine) => {
  beforeAll(async () => {
    whole = await startWholeFront(engine);
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  test('no operation on a bucket or an object is for a stranger or for nobody, with or without a version', async () => {
    const alices = await aliceBucket();
    const before = await stateOf(alices);
    for (const [name, { scope }] of IMPLEMENTED) {
      if (scope === 'service' || scope === 'new-bucket') continue;
      for (const keys of [BOB, undefined]) {
        for (const version of [[], [['versionId', 'null'] as const], [['versionId', alices.versionId] as const]]) {
          const { query, ...request } = requestFor(name, alices.bucket);
          const code = await whole.codeOf({ ...request, query: [...query, ...version], keys });
          // HEAD has no body that could say why.
          expect(code, name).toMatch(request.method === 'HEAD' ? /^403$/ : /^403 AccessDenied$/);
        }
      }
    }
    expect(await stateOf(alices)).toEqual(before);
  });

  test('what is refused to a stranger is refused alike whether it exists or not', async () => {
    const { bucket, versionId } = await aliceBucket();
    const answers = new Set<string>();
    for (const key of ['key', 'no-such-key']) {
      for (const query of [[], [['versionId', versionId]], [['versionId', 'no-such-version']]] as const) {
        const { status, body } = await whole.front.send({ path: `/${bucket}/${key}`, query, keys: BOB });
        answers.add(`${status} ${elementText(body, 'Code')} ${elementText(body, 'Message')}`);
      }
    }
    expect([...answers]).toEqual(['403 AccessDenied Access Denied']);
  });

  test('the source of a copy must be readable to who copies, by version and in parts too', async () => {
    const { bucket, versionId } = await aliceBucket();
    const bobs = await whole.newBucket(BOB);
    const { body } = await whole.ok({ method: 'POST', path: `/${bobs}/part`, query: [['uploads', '']], keys: BOB });
    const upload = [
      ['partNumber', '1'],
      ['uploadId', elementText(body, 'UploadId') ?? ''],
    ] as const;
    const sources = ['key', 'no-such-key', `key?versionId=${versionId}`, 'key?versionId=null', 'key?versionId=none'];
    for (const source of sources) {
      const headers = { 'x-amz-copy-source': `/${bucket}/${source}` };
      const copy = { method: 'PUT', path: `/${bobs}/copy`, headers, keys: BOB };
      const part = { method: 'PUT', path: `/${bobs}/part`, query: upload, headers, keys: BOB };
      expect([await whole.codeOf(copy), await whole.codeOf(part)], source).toEqual(Array(2).fill('403 AccessDenied'));
    }
    expect(await whole.codeOf({ path: `/${bobs}/copy`, keys: BOB })).toBe('404 NoSuchKey');
  });

  test('an upload, a version and a token are good in their own bucket only', async () => {
    const { bucket, versionId, uploadId } = await aliceBucket();
    const { body } = await whole.ok({ path: `/${bucket}`, query: listing('1') });
    const token = elementText(body, 'NextContinuationToken') ?? '';
    expect(token).not.toBe('');
    for (const keys of [ALICE, BOB]) {
      const other = await whole.newBucket(keys);
      const path = `/${other}/key`;
      await whole.ok({ method: 'PUT', path, body: 'other', keys });
      const uploaded = [['uploadId', uploadId]] as const;
      const requests: readonly (readonly [SendOptions, string])[] = [
        [{ path: `/${other}/upload`, query: uploaded }, '404 NoSuchUpload'],
        [{ method: 'PUT', path: `/${other}/upload`, query: [['partNumber', '1'], ...uploaded] }, '404 NoSuchUpload'],
        [{ method: 'POST', path: `/${other}/upload`, query: uploaded, body: PARTS }, '404 NoSuchUpload'],
        [{ method: 'DELETE', path: `/${other}/upload`, query: uploaded }, '404 NoSuchUpload'],
        [{ path, query: [['versionId', versionId]] }, '404 NoSuchVersion'],
        [{ method: 'DELETE', path, query: [['versionId', versionId]] }, '204'],
        [{ path: `/${other}`, query: [...listing('1'), ['continuation-token', token]] }, '400 InvalidArgument'],
      ];
      for (const [request, expected] of requests) expect(await whole.codeOf({ ...request, keys })).toBe(expected);
      expect((await whole.ok({ path, keys })).body.toString()).toBe('other');
    }
    expect((await whole.ok({ path: `/${bucket}/key`, query: [['versionId', versionId]] })).body.toString()).toBe('one');
    expect(await whole.codeOf({ path: `/${bucket}/upload`, query: [['uploadId', uploadId]] })).toBe('200');
  });

  test('a listing of buckets shows no bucket of others, whatever it is asked', async () => {
    const alices = await whole.newBucket(ALICE);
    const bobs = await whole.newBucket(BOB);
    for (const query of [[], [['prefix', alices]], [['max-buckets', '1000']]] as const) {
      const text = (await whole.ok({ path: '/', query, keys: BOB })).body.toString();
      expect(text.includes(alices)).toBe(query[0]?.[0] === 'prefix');
      expect(text).not.toContain(`<Name>${alices}</Name>`);
      expect(text).not.toContain('alice');
      expect(text.includes(`<Name>${bobs}</Name>`)).toBe(query[0]?.[0] !== 'prefix');
    }
  });

  test('a bucket made again by another tenant shares nothing with the one before', async () => {
    const { bucket, versionId, uploadId } = await aliceBucket();
    await empty(bucket);
    expect(await whole.codeOf({ method: 'DELETE', path: `/${bucket}` })).toBe('204');
    await whole.ok({ method: 'PUT', path: `/${bucket}`, keys: BOB });

    for (const query of [[], [['versions', '']], [['uploads', '']], [['list-type', '2']]] as const) {
      const text = (await whole.ok({ path: `/${bucket}`, query, keys: BOB })).body.toString();
      expect(text).not.toMatch(/<(?:Contents|Version|DeleteMarker|Upload)>|alice/);
    }
    const versioning = await whole.ok({ path: `/${bucket}`, query: [['versioning', '']], keys: BOB });
    expect(elementText(versioning.body, 'Status')).toBeUndefined();
    expect(await whole.codeOf({ path: `/${bucket}/key`, query: [['versionId', versionId]], keys: BOB })).toBe(
      '404 NoSuchVersion',
    );
    expect(await whole.codeOf({ path: `/${bucket}/upload`, query: [['uploadId', uploadId]], keys: BOB })).toBe(
      '404 NoSuchUpload',
    );

    await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'of Bob', keys: BOB });
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect(await whole.codeOf({ method, path: `/${bucket}/key` })).toBe('403 AccessDenied');
    }
    expect((await whole.ok({ path: `/${bucket}/key`, keys: BOB })).body.toString()).toBe('of Bob');
    expect((await whole.ok({ path: '/' })).body.toString()).not.toContain(bucket);
  });

  test('a name that is taken says so without saying by whom', async () => {
    const { bucket } = await aliceBucket();
    const { status, body } = await whole.front.send({ method: 'PUT', path: `/${bucket}`, keys: BOB });
    expect([status, elementText(body, 'Code')]).toEqual([409, 'BucketAlreadyExists']);
    expect(body.toString()).not.toContain('alice');
  });

  test('the expected owner is held against the owner by every operation, before it does anything', async () => {
    const alices = await aliceBucket();
    const before = await stateOf(alices);
    for (const [name, { scope }] of IMPLEMENTED) {
      if (scope === 'service' || scope === 'new-bucket') continue;
      const { headers, ...request } = requestFor(name, alices.bucket);
      const code = await whole.codeOf({ ...request, headers: { ...headers, 'x-amz-expected-bucket-owner': 'bob' } });
      expect(code, name).toMatch(/^403/);
    }
    expect(await stateOf(alices)).toEqual(before);
  });
});

const PARTS = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${'0'.repeat(32)}</ETag></Part></CompleteMultipartUpload>`;

interface AliceBucket {
  readonly bucket: string;
  /** Of the older of two versions of `key`, whose body is `one`. */
  readonly versionId: string;
  /** Of an open upload of `upload` with one part. */
  readonly uploadId: string;
}

/** A bucket of Alice's with versions and an open upload. */
async function aliceBucket(): Promise<AliceBucket> {
  const bucket = await whole.newBucket(ALICE);
  const enabled = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  await whole.ok({ method: 'PUT', path: `/${bucket}`, query: [['versioning', '']], body: enabled });
  const { headers } = await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'one' });
  await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'two' });
  await whole.ok({ method: 'PUT', path: `/${bucket}/other`, body: 'three' });
  const { body } = await whole.ok({ method: 'POST', path: `/${bucket}/upload`, query: [['uploads', '']] });
  const uploadId = elementText(body, 'UploadId') ?? '';
  const part = [
    ['partNumber', '1'],
    ['uploadId', uploadId],
  ] as const;
  await whole.ok({ method: 'PUT', path: `/${bucket}/upload`, query: part, body: 'part' });
  return { bucket, versionId: headers.get('x-amz-version-id') ?? '', uploadId };
}

/** All that a bucket shows to its owner. */
async function stateOf({ bucket, uploadId }: AliceBucket): Promise<string[]> {
  const state = [];
  for (const query of [[['versions', '']], [['uploads', '']], [['versioning', '']]] as const) {
    state.push((await whole.ok({ path: `/${bucket}`, query })).body.toString());
  }
  state.push((await whole.ok({ path: `/${bucket}/upload`, query: [['uploadId', uploadId]] })).body.toString());
  state.push((await whole.ok({ path: `/${bucket}/key` })).body.toString());
  return state;
}

/** Removes every version for good; open uploads go with their bucket. */
async function empty(bucket: string): Promise<void> {
  const text = (await whole.ok({ path: `/${bucket}`, query: [['versions', '']] })).body.toString();
  for (const [, key = '', versionId = ''] of text.matchAll(/<Key>([^<]*)<\/Key><VersionId>([^<]*)<\/VersionId>/g)) {
    await whole.ok({ method: 'DELETE', path: `/${bucket}/${key}`, query: [['versionId', versionId]] });
  }
}

function listing(maxKeys: string) {
  return [
    ['list-type', '2'],
    ['max-keys', maxKeys],
  ] as const;
}
