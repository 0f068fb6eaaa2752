import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementText } from '../support/raw-http.ts';
import { presignV2, signV2ByHeader } from '../support/sign-v2.ts';
import { ALICE, BOB, type SendOptions } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/** SigV2, where `options.signature-v2` allows it: no current SDK can sign so, and many an older client does nothing else. */
let whole: WholeFront;

describe.each(['memory', 'embedded'] as const)('on the %s engine', (engine) => {
  beforeAll(async () => {
    whole = await startWholeFront(engine, { settings: { sigV2: true } });
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  test('an object is put, read and deleted, with its headers', async () => {
    const path = `/${await whole.newBucket()}/a%20b/%C3%A4`;
    const headers = { 'content-type': 'text/plain', 'x-amz-meta-name': 'value' };
    await whole.ok(signed({ method: 'PUT', path, headers, body: 'hello' }));
    const got = await whole.ok(signed({ path }));
    expect([got.body.toString(), got.headers.get('content-type'), got.headers.get('x-amz-meta-name')]).toEqual([
      'hello',
      'text/plain',
      'value',
    ]);
    await whole.ok(signed({ method: 'DELETE', path }));
    expect(await whole.codeOf(signed({ path }))).toBe('404 NoSuchKey');
  });

  test('an upload in parts goes through, whose sub-resources are signed', async () => {
    const path = `/${await whole.newBucket()}/key`;
    const created = await whole.ok(signed({ method: 'POST', path, query: [['uploads', '']] }));
    const uploadId = elementText(created.body, 'UploadId') ?? '';
    const part = await whole.ok(
      signed({
        method: 'PUT',
        path,
        query: [
          ['partNumber', '1'],
          ['uploadId', uploadId],
        ],
        body: 'part',
      }),
    );
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get('etag')}</ETag></Part></CompleteMultipartUpload>`;
    await whole.ok(signed({ method: 'POST', path, query: [['uploadId', uploadId]], body }));
    expect((await whole.ok(signed({ path }))).body.toString()).toBe('part');
  });

  test('a URL reads an object and overrides what the answer says of it', async () => {
    const path = `/${await whole.newBucket()}/key`;
    await whole.ok({ method: 'PUT', path, body: 'hello' });
    const url = presignV2(
      { method: 'GET', path, headers: {}, query: [['response-content-type', 'text/x; a="ä"']] },
      { keys: ALICE, atMs: whole.front.clock.now, expiresSeconds: 60 },
    );
    const got = await whole.ok({ path: url, keys: undefined });
    expect([got.body.toString(), got.headers.get('content-type')]).toEqual(['hello', 'text/x; a="Ã¤"']);
    expect(await whole.codeOf({ path: url.replace('/key', '/kay'), keys: undefined })).toBe(
      '403 SignatureDoesNotMatch',
    );
  });

  test('a bucket named by the host is part of what is signed', async () => {
    const bucket = await whole.newBucket();
    const options = { path: '/key', headers: { host: `${bucket}.s3.test` } };
    await whole.ok(signed({ ...options, method: 'PUT', body: 'x' }, bucket));
    expect((await whole.ok({ path: `/${bucket}/key` })).body.toString()).toBe('x');
    expect(await whole.codeOf(signed(options))).toBe('403 SignatureDoesNotMatch');
  });

  test('a bucket is the same with a slash after it and without, as botocore has it', async () => {
    const bucket = await whole.newBucket();
    for (const [sent, path] of [
      [`/${bucket}`, `/${bucket}/`],
      [`/${bucket}/`, `/${bucket}`],
    ] as const) {
      expect(await whole.codeOf({ ...signed({ path }), path: sent })).toBe('200');
      expect(await whole.codeOf({ ...signed({ path: `${path}x` }), path: `${sent}x/` })).toMatch(/^403/);
    }
  });

  test('a path that a proxy has encoded anew is the same', async () => {
    const bucket = await whole.newBucket();
    const path = `/${bucket}/a%2Bb%28c%29%20%C3%A4/d`;
    await whole.ok({ ...signed({ method: 'PUT', path, body: 'x' }), path: `/${bucket}/a+b(c)%20%c3%a4/d` });
    expect((await whole.ok(signed({ path }))).body.toString()).toBe('x');
    expect(await whole.codeOf({ ...signed({ path }), path: `/${bucket}/a%252Bb` })).toMatch(/^403/);
  });

  test('rights are those of the key', async () => {
    const bucket = await whole.newBucket(BOB);
    expect(await whole.codeOf(signed({ path: `/${bucket}` }))).toBe('403 AccessDenied');
  });
});

/** Such a request of Alice's, signed by SigV2 and sent as it is. */
function signed(options: Omit<SendOptions, 'keys'>, hostBucket?: string): SendOptions {
  const { method = 'GET', path = '/', query, headers = {} } = options;
  const request = { method, path, headers, ...(query && { query }) };
  const context = { keys: ALICE, atMs: whole.front.clock.now, ...(hostBucket !== undefined && { hostBucket }) };
  return { ...options, headers: signV2ByHeader(request, context), keys: undefined };
}
