import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checksumOf } from '../../src/domain/digests.ts';
import { elementText } from '../support/raw-http.ts';
import { ALICE, BOB } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

type Fields = readonly (readonly [name: string, value: string])[];

const FILE = Buffer.from('the file\r\n--');
const DENIED = '403 AccessDenied';
// biome-ignore lint/suspicious/noTemplateCurlyInString: what a form says in place of the name of its file.
const FILENAME = '${filename}';

let whole: WholeFront;
let bucket: string;

describe.each(['memory', 'embedded'] as const)('on the %s engine', (engine) => {
  beforeAll(async () => {
    whole = await startWholeFront(engine, { settings: { sigV2: true } });
    bucket = await whole.newBucket();
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  describe.each(['SigV4', 'SigV2'] as const)('a form signed by %s', (version) => {
    const sign = version === 'SigV4' ? signV4 : signV2;

    test('stores its file with all that it says, and answers 204', async () => {
      const fields: Fields = [
        ['key', `folder/${FILENAME}`],
        ['Content-Type', 'text/plain'],
        ['Cache-Control', 'no-store'],
        ['acl', 'public-read'],
        ['x-amz-meta-size', 'schön'],
        ['tagging', '<Tagging><TagSet><Tag><Key>a</Key><Value>b + c</Value></Tag></TagSet></Tagging>'],
        ['x-amz-checksum-sha256', checksumOf('SHA256', FILE)],
      ];
      const answer = await post(sign(fields), { filename: 'a b.txt' });
      expect([answer.status, answer.body.length]).toEqual([204, 0]);
      expect(answer.headers.get('location')).toMatch(/\/folder\/a%20b\.txt$/);
      const read = await whole.ok({ path: `/${bucket}/folder/a%20b.txt`, keys: undefined });
      expect(read.body).toEqual(FILE);
      expect(read.headers.get('etag')).toBe(answer.headers.get('etag'));
      expect([read.headers.get('content-type'), read.headers.get('cache-control')]).toEqual(['text/plain', 'no-store']);
      expect(Buffer.from(read.headers.get('x-amz-meta-size') ?? '', 'latin1').toString()).toBe('schön');
      const tags = await whole.ok({ path: `/${bucket}/folder/a%20b.txt`, query: [['tagging', '']] });
      expect([elementText(tags.body, 'Key'), elementText(tags.body, 'Value')]).toEqual(['a', 'b + c']);
    });

    test.each([
      ['a wrong secret', (fields: Fields) => sign(fields, { secret: 'wrong' }), '403 SignatureDoesNotMatch'],
      ['an unknown key', (fields: Fields) => sign(fields, { accessKeyId: 'NOBODYSKEY' }), '403 InvalidAccessKeyId'],
      ["another tenant's key", (fields: Fields) => sign(fields, { keys: BOB }), DENIED],
      ['a policy that has expired', (fields: Fields) => sign(fields, { expiresInMs: -3_600_000 }), DENIED],
      ['another bucket in its policy', (fields: Fields) => sign(fields, { bucket: 'another' }), DENIED],
      ['a field without a condition', (fields: Fields) => [['x-amz-meta-a', 'b'] as const, ...sign(fields)], DENIED],
      ['a field changed', (fields: Fields) => replace(sign(fields), 'key', 'other'), DENIED],
      [
        'the policy changed',
        (fields: Fields) => replace(sign(fields), 'policy', base64({ conditions: [] })),
        '403 SignatureDoesNotMatch',
      ],
      ['no policy', (fields: Fields) => sign(fields).filter(([name]) => name !== 'policy'), '400 InvalidArgument'],
      ['no key', () => sign([['acl', 'private']]), '400 InvalidArgument'],
      [
        'a security token',
        (fields: Fields) => [...sign(fields), ['x-amz-security-token', 'x'] as const],
        '400 InvalidToken',
      ],
      ['a masqueraded tenant', (fields: Fields) => sign([...fields, ['x-amz-masquerade-tenant', 'bob']]), DENIED],
      ['a canned ACL that is none', (fields: Fields) => sign([...fields, ['acl', 'pubic']]), '400 InvalidArgument'],
      [
        'encryption',
        (fields: Fields) => sign([...fields, ['x-amz-server-side-encryption', 'AES256']]),
        '501 NotImplemented',
      ],
      [
        'a wrong checksum',
        (fields: Fields) => [...sign(fields), ['x-amz-checksum-crc32', 'AAAAAA=='] as const],
        '400 BadDigest',
      ],
    ])('with %s stores nothing', async (_, change, code) => {
      const key = `refused-${Math.random()}`;
      expect(await codeOf(change([['key', key]]))).toBe(code);
      expect(await whole.codeOf({ path: `/${bucket}/${key}` })).toBe('404 NoSuchKey');
    });

    test.each([
      [[0, 5], '400 EntityTooLarge'],
      [[FILE.length, FILE.length], '204'],
      [[FILE.length + 1, 10_000_000], '400 EntityTooSmall'],
      [['0', '100'], '204'],
    ])('with content-length-range %j is answered %s', async (range, code) => {
      const conditions = [['content-length-range', ...range]];
      expect(await codeOf(sign([['key', 'sized']], { conditions }))).toBe(code);
    });

    test('of a large file that is not wanted is refused long before its end', async () => {
      const fields = sign([['key', 'large']], { conditions: [['content-length-range', 0, 1000]] });
      const answer = await post(fields, { file: Buffer.alloc(8 * 1024 ** 2) });
      expect(answer.status).toBe(400);
      expect(await whole.codeOf({ path: `/${bucket}/large` })).toBe('404 NoSuchKey');
    });

    test('of a file of several megabytes is stored whole', async () => {
      const file = Buffer.alloc(3 * 1024 ** 2, 'some text ');
      expect((await post(sign([['key', 'several']]), { file })).status).toBe(204);
      expect((await whole.ok({ path: `/${bucket}/several` })).body.equals(file)).toBe(true);
    });
  });

  test.each([
    ['200', 200],
    ['201', 201],
    ['204', 204],
    ['404', 204],
    ['', 204],
  ])('success_action_status %j is answered %i', async (status, expected) => {
    const answer = await post(
      signV4([
        ['key', 'status'],
        ['success_action_status', status],
      ]),
    );
    expect(answer.status).toBe(expected);
    if (expected !== 201) return expect(answer.body).toHaveLength(0);
    expect([elementText(answer.body, 'Bucket'), elementText(answer.body, 'Key')]).toEqual([bucket, 'status']);
    expect(elementText(answer.body, 'Location')).toBe(answer.headers.get('location'));
    expect(elementText(answer.body, 'ETag')?.replaceAll('&quot;', '"')).toBe(answer.headers.get('etag'));
  });

  test.each([
    ['success_action_redirect', 'http://app.example.com/done?x=1#top', 303],
    ['redirect', 'https://app.example.com/done', 303],
    ['success_action_redirect', 'javascript:alert(1)', 204],
    ['success_action_redirect', 'not a URL', 204],
  ])('%s to %s is answered %i', async (name, url, status) => {
    const answer = await post(
      signV4([
        ['key', 'a b'],
        [name, url],
      ]),
    );
    expect(answer.status).toBe(status);
    if (status !== 303) return;
    const location = new URL(answer.headers.get('location') ?? '');
    expect(location.origin).toBe(new URL(url).origin);
    expect(location.searchParams.get('bucket')).toBe(bucket);
    expect(location.searchParams.get('key')).toBe('a b');
    expect(location.searchParams.get('etag')).toBe(answer.headers.get('etag'));
  });

  test('an anonymous form is for buckets that everybody may write to', async () => {
    expect(await codeOf([['key', 'anonymous']])).toBe(DENIED);
    const open = await whole.newBucket();
    await whole.ok({
      method: 'PUT',
      path: `/${open}`,
      query: [['acl', '']],
      headers: { 'x-amz-acl': 'public-read-write' },
    });
    expect((await post([['key', 'anonymous']], { to: open })).status).toBe(204);
    expect((await whole.ok({ path: `/${open}/anonymous` })).body).toEqual(FILE);
  });

  test('a form beside an Authorization header is refused, and one that is none', async () => {
    const body = formOf(signV4([['key', 'x']]), { file: FILE, filename: 'f' });
    const headers = { 'content-type': 'multipart/form-data; boundary=form' };
    expect(await whole.codeOf({ method: 'POST', path: `/${bucket}`, headers, body })).toBe('400 InvalidArgument');
    const broken = { method: 'POST', path: `/${bucket}`, headers, body: 'no form', keys: undefined };
    expect(await whole.codeOf(broken)).toBe('400 MalformedPOSTRequest');
  });
});

test('a form signed by SigV2 is refused where that is turned off', async () => {
  await using other = await startWholeFront('memory');
  const name = await other.newBucket();
  const body = formOf(signV2([['key', 'x']], { bucket: name }), { file: FILE, filename: 'f' });
  const headers = { 'content-type': 'multipart/form-data; boundary=form' };
  expect(await other.codeOf({ method: 'POST', path: `/${name}`, headers, body, keys: undefined })).toBe(
    '400 InvalidRequest',
  );
});

interface Signing {
  readonly keys?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly accessKeyId?: string;
  readonly secret?: string;
  readonly bucket?: string;
  readonly expiresInMs?: number;
  readonly conditions?: readonly unknown[];
}

/** The fields and a policy that allows just them. */
function signV4(fields: Fields, signing: Signing = {}): Fields {
  const { keys = ALICE } = signing;
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const day = now.slice(0, 8);
  const signed: Fields = [
    ...fields,
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-credential', `${signing.accessKeyId ?? keys.accessKeyId}/${day}/us-east-1/s3/aws4_request`],
    ['x-amz-date', now],
  ];
  const policy = policyFor(signed, signing);
  let key = Buffer.from(`AWS4${signing.secret ?? keys.secretAccessKey}`);
  for (const part of [day, 'us-east-1', 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  return [...signed, ['policy', policy], ['x-amz-signature', createHmac('sha256', key).update(policy).digest('hex')]];
}

function signV2(fields: Fields, signing: Signing = {}): Fields {
  const { keys = ALICE } = signing;
  const policy = policyFor(fields, signing);
  const signature = createHmac('sha1', signing.secret ?? keys.secretAccessKey)
    .update(policy)
    .digest('base64');
  return [
    ...fields,
    ['AWSAccessKeyId', signing.accessKeyId ?? keys.accessKeyId],
    ['policy', policy],
    ['signature', signature],
  ];
}

function policyFor(fields: Fields, { bucket: name = bucket, expiresInMs = 60_000, conditions = [] }: Signing): string {
  const equal = fields.map(([field, value]) => {
    const start = value.indexOf(FILENAME);
    return start === -1 ? { [field]: value } : ['starts-with', `$${field}`, value.slice(0, start)];
  });
  const expiration = new Date(Date.now() + expiresInMs).toISOString();
  return base64({ expiration, conditions: [{ bucket: name }, ...equal, ...conditions] });
}

function base64(document: unknown): string {
  return Buffer.from(JSON.stringify(document)).toString('base64');
}

function replace(fields: Fields, name: string, value: string): Fields {
  return fields.map(([field, old]) => [field, field === name ? value : old]);
}

interface Posting {
  readonly to?: string;
  readonly file?: Uint8Array;
  readonly filename?: string;
}

function post(fields: Fields, { to = bucket, file = FILE, filename = 'file.txt' }: Posting = {}) {
  return whole.front.send({
    method: 'POST',
    path: `/${to}`,
    headers: { 'content-type': 'multipart/form-data; boundary=form' },
    body: formOf(fields, { file, filename }),
    keys: undefined,
  });
}

async function codeOf(fields: Fields): Promise<string> {
  const { status, body } = await post(fields);
  const code = elementText(body, 'Code');
  return code === undefined ? String(status) : `${status} ${code}`;
}

function formOf(fields: Fields, { file, filename }: { readonly file: Uint8Array; readonly filename: string }): Buffer {
  const head = (name: string, more = '') => `--form\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const text = fields.map(([name, value]) => `${head(name)}${value}\r\n`).join('');
  return Buffer.concat([
    Buffer.from(text + head('file', `; filename="${filename}"`)),
    file,
    Buffer.from('\r\n--form--\r\n'),
  ]);
}
