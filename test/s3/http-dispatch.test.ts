import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseBucketName, parseRegionName } from '../../src/domain/names.ts';
import { S3Error } from '../../src/domain/s3-error.ts';
import type { ContextOf } from '../../src/operations/operation.ts';
import type { S3Request } from '../../src/operations/request.ts';
import { StoreError, type StoreErrorKind } from '../../src/stores/store.ts';
import { elementText, type RawResponse } from '../support/raw-http.ts';
import {
  ALICE,
  BOB,
  BUCKET,
  bucketOf,
  Front,
  MASTER,
  must,
  NOW_MS,
  type SendOptions,
  tinyOperation,
} from '../support/start-front.ts';

const CALL = { signal: new AbortController().signal };
const SOURCE = must(parseBucketName('bobs-bucket'));

let front: Front;
/** What the operation last called was given. */
let seen: S3Request | undefined;
let run: (context: ContextOf<'object'>) => Promise<unknown>;

beforeAll(async () => {
  const parse = (request: S3Request) => {
    seen = request;
    return request;
  };
  front = await Front.start({
    health: async (path) => ({
      status: path === '/health/live' ? 200 : 503,
      body: path === '/health/live' ? 'live' : '{"ready":false}',
    }),
    operations: {
      GetObject: tinyOperation('GetObject', {
        parse,
        run: (context: ContextOf<'object'>) => run(context),
        versionAction: 's3:GetObjectVersion',
      }),
      HeadObject: tinyOperation('HeadObject', { parse, run: (context: ContextOf<'object'>) => run(context) }),
      PutObject: tinyOperation('PutObject', { parse, parameters: ['Body', 'ExpectedBucketOwner'] }),
      CopyObject: tinyOperation('CopyObject', { parse, run: ({ openBucket }) => openBucket(SOURCE, 's3:GetObject') }),
      UploadPart: tinyOperation('UploadPart'),
      ListBuckets: tinyOperation('ListBuckets', { parse }),
      ListObjects: tinyOperation('ListObjects', { parse }),
      CreateBucket: tinyOperation('CreateBucket', { parse }),
    },
  });
  await front.stores.buckets.createBucket(bucketOf(SOURCE, 'bob'), CALL);
});

beforeEach(() => {
  seen = undefined;
  run = async () => undefined;
  front.logLines.length = 0;
});

afterAll(async () => front[Symbol.asyncDispose]());

describe('what an operation is given', () => {
  test('is the key as it was sent, decoded once', async () => {
    expect(await codeOf({ path: `/${BUCKET}//a/../b%20c%252F` })).toBe('200');
    expect([seen?.bucket, seen?.key]).toEqual([BUCKET, '/a/../b c%2F']);
  });

  test('is the bucket of a virtual host', async () => {
    expect(await codeOf({ path: '/a/b', headers: { host: `${BUCKET}.s3.test` } })).toBe('200');
    expect([seen?.bucket, seen?.key, seen?.baseUrl]).toEqual([BUCKET, 'a/b', `http://${BUCKET}.s3.test`]);
    expect(await codeOf({ path: '/a', headers: { host: `${BUCKET}.localhost:${front.port}` } })).toBe('200');
    expect([seen?.bucket, seen?.key]).toEqual([BUCKET, 'a']);
  });

  test('is nothing of a client that x-amz-meta-__proto__ or ?__proto__ could change', async () => {
    expect(await codeOf({ headers: { 'x-amz-meta-__proto__': 'p' }, query: [['__proto__', 'q']] })).toBe('200');
    expect(seen?.headers.get('x-amz-meta-__proto__')).toBe('p');
    expect(Object.prototype).toEqual({});
  });
});

describe('who may', () => {
  test.each<[string, SendOptions, string]>([
    ['the owner on her bucket', { keys: ALICE }, '200'],
    ['a stranger on it', { keys: BOB }, '403 AccessDenied'],
    ['a master key on it', { keys: MASTER }, '200'],
    ['nobody on it', { keys: undefined }, '403 AccessDenied'],
    ['a stranger on no bucket', { keys: BOB, path: '/no-bucket/key' }, '404 NoSuchBucket'],
    ['nobody on no bucket', { keys: undefined, path: '/no-bucket/key' }, '404 NoSuchBucket'],
    ['anyone on a name that no bucket can have', { path: '/No_Bucket/key' }, '404 NoSuchBucket'],
    ['anyone on an empty name', { path: '//key' }, '404 NoSuchBucket'],
    ['anyone listing buckets', { keys: BOB, path: '/' }, '200'],
    ['nobody listing buckets', { keys: undefined, path: '/' }, '403 AccessDenied'],
    ['anyone making a bucket', { keys: BOB, method: 'PUT', path: '/new-bucket' }, '200'],
    ['nobody making a bucket', { keys: undefined, method: 'PUT', path: '/new-bucket' }, '403 AccessDenied'],
    ['anyone making a bucket of a bad name', { method: 'PUT', path: '/New_Bucket' }, '400 InvalidBucketName'],
    ['the owner expecting herself', { headers: { 'x-amz-expected-bucket-owner': 'alice' } }, '200'],
    ['the owner expecting another', { headers: { 'x-amz-expected-bucket-owner': 'bob' } }, '403 AccessDenied'],
    ['the owner copying from a stranger', { method: 'PUT', headers: { 'x-amz-copy-source': 's' } }, '403 AccessDenied'],
    ['a master copying from anyone', { keys: MASTER, method: 'PUT', headers: { 'x-amz-copy-source': 's' } }, '200'],
    [
      'a master copying from another than expected',
      {
        keys: MASTER,
        method: 'PUT',
        headers: { 'x-amz-copy-source': 's', 'x-amz-source-expected-bucket-owner': 'alice' },
      },
      '403 AccessDenied',
    ],
  ])('%s: %j is %s', async (_, options, expected) => {
    expect(await codeOf(options)).toBe(expected);
  });

  test('is decided on the bucket as it is now: one made again under its name is another', async () => {
    const name = must(parseBucketName('short-lived'));
    const first = bucketOf(name, 'alice');
    await front.stores.buckets.createBucket(first, CALL);
    run = async ({ refresh }) => {
      expect((await refresh()).id).toBe(first.id);
      await front.stores.buckets.removeBucket(first, CALL);
      await front.stores.buckets.createBucket(bucketOf(name, 'bob'), CALL);
      return refresh();
    };
    expect(await codeOf({ path: '/short-lived/key' })).toBe('404 NoSuchBucket');
    expect(await codeOf({ path: '/short-lived/key' })).toBe('403 AccessDenied');
  });
});

describe('what is not implemented is said by name', () => {
  test.each<[SendOptions, string]>([
    [{ query: [['acl', '']] }, 'GetObjectAcl'],
    [{ method: 'PUT', path: `/${BUCKET}`, query: [['encryption', '']] }, 'PutBucketEncryption'],
    [{ method: 'PUT', path: `/${BUCKET}`, query: [['analytics', '']] }, 'PutBucketAnalyticsConfiguration'],
    [{ method: 'PUT', headers: { 'x-amz-server-side-encryption': 'AES256' } }, 'x-amz-server-side-encryption'],
    [{ method: 'PUT', headers: { 'x-amz-checksum-xxhash3': 'x' } }, 'x-amz-checksum-xxhash3'],
    [{ method: 'PUT', query: [['X-Amz-Server-Side-Encryption', 'AES256']] }, 'x-amz-server-side-encryption'],
  ])('%j names %s', async (options, name) => {
    const { status, body } = await front.send(options);
    expect([status, elementText(body, 'Code')]).toEqual([501, 'NotImplemented']);
    expect(elementText(body, 'Message')).toContain(name);
    expect(seen).toBeUndefined();
  });
});

describe('what makes no sense', () => {
  test.each<[SendOptions, string]>([
    [{ method: 'PUT', query: [['partNumber', '1']] }, '400 InvalidArgument'],
    [
      {
        path: `/${BUCKET}`,
        query: [
          ['acl', ''],
          ['cors', ''],
        ],
      },
      '400 InvalidArgument',
    ],
    [{ path: `/${BUCKET}`, query: [['delete', '']] }, '405 MethodNotAllowed'],
    [{ method: 'POST' }, '405 MethodNotAllowed'],
    [{ method: 'OPTIONS', keys: undefined }, '400 BadRequest'],
    [{ path: `/${BUCKET}/${'k'.repeat(1025)}` }, '400 KeyTooLongError'],
    [{ path: `/${BUCKET}/${'%C3%A4'.repeat(513)}` }, '400 KeyTooLongError'],
    [{ path: `/${BUCKET}/%ff` }, '400 InvalidURI'],
    [{ path: `/${BUCKET}/a%00b` }, '400 InvalidURI'],
    [{ headers: { 'x-amz-trailer': 'x-amz-checksum-crc32' } }, '400 InvalidRequest'],
  ])('%j is %s', async (options, expected) => {
    expect(await codeOf(options)).toBe(expected);
  });
});

describe('an error', () => {
  test('has its elements, the resource and the ids', async () => {
    const { body, headers } = await front.send({ path: '/no-bucket/a%20%3Cb%3E' });
    expect(headers.get('content-type')).toBe('application/xml');
    expect(body.toString()).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>NoSuchBucket<\/Code><Message>.*<\/Message><BucketName>no-bucket<\/BucketName><Resource>\/no-bucket\/a &lt;b&gt;<\/Resource><RequestId>[0-9A-F]{16}<\/RequestId><HostId>.+<\/HostId><\/Error>$/,
    );
  });

  test('of an operation is told as it is, with its headers', async () => {
    run = async () => {
      throw new S3Error('NoSuchKey', { elements: { Key: 'k' }, headers: [['x-amz-delete-marker', 'true']] });
    };
    const { status, body, headers } = await front.send();
    expect([status, elementText(body, 'Key'), headers.get('x-amz-delete-marker')]).toEqual([404, 'k', 'true']);
  });

  test.each<[StoreErrorKind, string, RegExp]>([
    ['unavailable', '503 SlowDown', /nothing was written/],
    ['storage-full', '507 InsufficientStorage', /writes are refused/],
    ['in-doubt', '500 InternalError', /outcome of this request is unknown/],
    ['corrupt', '500 InternalError', /does not match its checksum/],
  ])('of a store, %s, is %s', async (kind, code, message) => {
    run = async () => {
      throw new StoreError(kind, 'lmdb: /var/lib/private');
    };
    const { status, body } = await front.send();
    expect(`${status} ${elementText(body, 'Code')}`).toBe(code);
    expect(elementText(body, 'Message')).toMatch(message);
    expect(body.toString()).not.toContain('private');
    expect(JSON.stringify(front.logLines)).toContain('/var/lib/private');
    expect(await front.metricsText()).toContain(`pithos_store_errors_total{kind="${kind}"} 1`);
  });

  test('that nobody foresaw is 500 without its message, and its stack is logged', async () => {
    run = async () => {
      throw new TypeError('secret detail');
    };
    const { status, body } = await front.send();
    expect([status, elementText(body, 'Code')]).toEqual([500, 'InternalError']);
    expect(body.toString()).not.toContain('secret detail');
    const [line] = front.logLines.filter(({ level }) => level === 'error');
    expect(line).toMatchObject({
      msg: 'request failed',
      operation: 'GetObject',
      err: { stack: expect.stringContaining('secret detail') },
    });
  });

  test('of a region without stores is 503 and names it', async () => {
    const bucket = { ...bucketOf(must(parseBucketName('far-away')), 'alice'), region: must(parseRegionName('mars-1')) };
    await front.stores.buckets.createBucket(bucket, CALL);
    const { status, body } = await front.send({ path: '/far-away/key' });
    expect([status, elementText(body, 'Message')]).toEqual([503, expect.stringContaining('mars-1')]);
  });
});

describe('the access log', () => {
  test('has a line for each request, and never a secret or a signature', async () => {
    await front.send({ method: 'PUT', path: `/${BUCKET}/a%0Ab`, body: 'hello' });
    const line = front.logLines.at(-1);
    expect(line).toMatchObject({
      msg: 'request',
      operation: 'PutObject',
      method: 'PUT',
      bucket: BUCKET,
      key: 'a\nb',
      status: 200,
      accessKeyId: ALICE.accessKeyId,
      remoteAddress: '127.0.0.1',
      durationMs: expect.any(Number),
    });
    expect(JSON.stringify(front.logLines)).not.toMatch(/Signature|alice\+secret/);
  });

  test('has the code of an error, and counts stay those of known operations', async () => {
    await front.send({ path: '/no-bucket/k' });
    expect(front.logLines.at(-1)).toMatchObject({ status: 404, errorCode: 'NoSuchBucket', bucket: 'no-bucket' });
    await front.send({ method: 'BREW' }).catch(() => undefined);
    const text = await front.metricsText();
    expect(text).not.toContain('BREW');
    expect(text).toMatch(/pithos_requests_total\{operation="GetObject",status="404"\} \d+/);
  });
});

describe('health', () => {
  test.each<[string, SendOptions, string]>([
    ['live', { path: '/health/live', keys: undefined }, '200'],
    ['not ready', { path: '/health/ready', keys: undefined }, '503'],
    ["live, under MinIO's path", { path: '/minio/health/live', keys: undefined }, '200'],
    ["not ready, under MinIO's path", { path: '/minio/health/cluster', keys: undefined }, '503'],
    ['HEAD', { path: '/health/live', keys: undefined, method: 'HEAD' }, '200'],
    ['another path', { path: '/health/other', keys: undefined }, '404 NoSuchBucket'],
    ['a signed request, which means a bucket', { path: '/health/live' }, '404 NoSuchBucket'],
    ['a PUT', { path: '/health/live', keys: undefined, method: 'PUT' }, '404 NoSuchBucket'],
    [
      'a bucket of a virtual host',
      { path: '/health/live', keys: undefined, headers: { host: 'nothing.s3.test' } },
      '404 NoSuchBucket',
    ],
  ])('%s', async (_, options, expected) => {
    expect(await codeOf(options)).toBe(expected);
  });
});

test('a clock that is wrong is RequestTimeTooSkewed, whichever way', async () => {
  for (const offMs of [-16 * 60_000, 16 * 60_000]) {
    const bytes = front.requestBytes();
    front.clock.now = NOW_MS + offMs;
    using connection = await front.connect();
    connection.send(bytes);
    expect(elementText((await connection.response()).body, 'Code')).toBe('RequestTimeTooSkewed');
    front.clock.now = NOW_MS;
  }
});

/** The status, and the code of an error. */
async function codeOf(options: SendOptions): Promise<string> {
  const { status, body }: RawResponse = await front.send(options);
  const code = elementText(body, 'Code');
  return code === undefined ? String(status) : `${status} ${code}`;
}
