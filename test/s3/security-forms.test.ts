import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyOn, putPolicy } from '../support/policies.ts';
import { elementText } from '../support/raw-http.ts';
import {
  FORM_TYPE,
  type FormFields,
  type FormSigning,
  formBody,
  signFormV2,
  signFormV4,
} from '../support/sign-form.ts';
import { ALICE } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/** The class of policies of browser forms that are not held (RustFS GHSA-w5fh), and what else only a form can bring. */

// biome-ignore lint/suspicious/noTemplateCurlyInString: what a form says in place of the name of its file.
const FILENAME = '${filename}';
const DENIED = '403 AccessDenied';
/** How long any one form here may take, in milliseconds. */
const FORM_MS_MAX = 2_000;

let whole: WholeFront;
let bucket: string;
let open: string;

beforeAll(async () => {
  whole = await startWholeFront('memory', { settings: { sigV2: true } });
  bucket = await whole.newBucket();
  open = await whole.newBucket();
  const headers = { 'x-amz-acl': 'public-read-write' };
  await whole.ok({ method: 'PUT', path: `/${open}`, query: [['acl', '']], headers });
});
afterAll(async () => whole[Symbol.asyncDispose]());

describe.each([
  ['SigV4', signFormV4],
  ['SigV2', signFormV2],
] as const)('the policy of a form signed by %s', (_, sign) => {
  const signing = (changes: Partial<FormSigning> = {}) => ({ keys: ALICE, atMs: Date.now(), bucket, ...changes });

  test('must name the bucket, or it would be one for every bucket of who signed it', async () => {
    const fields: FormFields = [['key', 'anywhere']];
    const conditions = [{ key: 'anywhere' }];
    expect(await codeOf(sign(fields, signing({ conditions })))).toBe(DENIED);
    expect(await codeOf(sign(fields, signing({ conditions: [...conditions, { bucket }] })))).toBe('204');
    const loose = [...conditions, ['starts-with', '$bucket', '']];
    expect(await codeOf(sign(fields, signing({ conditions: loose })))).toBe('204');
  });

  test.each<[string, FormFields]>([
    ['the ACL under its other name', [['x-amz-acl', 'public-read']]],
    ['the tags under their other name', [['x-amz-tagging', 'a=b']]],
    ['a header of another case', [['Content-TYPE', 'text/html']]],
    ['a place to go to', [['success_action_redirect', 'https://example.com/']]],
    ['a charge', [['x-amz-request-payer', 'requester']]],
    ['the name of the bucket as a field', [['Key2', 'x']]],
  ])('is held against %s', async (_name, more) => {
    expect(await codeOf([...more, ...sign([['key', 'held']], signing())])).toBe(DENIED);
    expect(await whole.codeOf({ path: `/${bucket}/held` })).toBe('404 NoSuchKey');
  });

  test('is held against the key as it is with the name of the file', async () => {
    const conditions = [{ bucket }, ['starts-with', '$key', 'user/']];
    const fields = sign([['key', FILENAME]], signing({ conditions }));
    expect(await codeOf(fields, { filename: '../admin/key' })).toBe(DENIED);
    expect(await codeOf(fields, { filename: 'user/key' })).toBe(DENIED);
  });

  test('cannot give one setting in two ways', async () => {
    const twice: FormFields = [
      ['key', 'twice'],
      ['acl', 'private'],
      ['x-amz-acl', 'public-read'],
    ];
    expect(await codeOf(sign(twice, signing()))).toBe('400 InvalidArgument');
  });
});

test('the policy of a bucket tells the signature versions of forms apart', async () => {
  const guarded = await whole.newBucket();
  const Condition = { StringEquals: { 's3:signatureversion': 'AWS' } };
  await putPolicy(whole, guarded, policyOn(guarded, { Effect: 'Deny', Action: 's3:PutObject', Condition }));
  const signing = { keys: ALICE, atMs: Date.now(), bucket: guarded };
  expect(await codeOf(signFormV2([['key', 'old']], signing), { to: guarded })).toBe(DENIED);
  expect(await codeOf(signFormV4([['key', 'new']], signing), { to: guarded })).toBe('204');
});

describe('what a form says in place of headers', () => {
  test.each([
    ...['content-type', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires'],
    ...['x-amz-meta-a', 'x-amz-website-redirect-location', 'acl', 'x-amz-storage-class'],
  ])('%s with a line break in it is refused', async (name) => {
    for (const value of ['/a\r\nX-Injected: yes', '/a\nX-Injected: yes', '/a\rX', '/a\u0000']) {
      const fields: FormFields = [
        ['key', 'split'],
        [name, value],
      ];
      expect(await codeOf(fields, { to: open }), JSON.stringify(value)).toMatch(/^400 Invalid/);
    }
  });

  test.each(['a\nb', 'a\rb', 'a\u0000b', 'a b', 'a:b', 'ä'])('the name x-amz-meta-%j is refused', async (name) => {
    const fields: FormFields = [
      ['key', 'named'],
      [`x-amz-meta-${name}`, 'x'],
    ];
    expect(await codeOf(fields, { to: open })).toMatch(/^400 (?:InvalidArgument|MalformedPOSTRequest)$/);
    expect(await whole.codeOf({ path: `/${open}/named` })).toBe('404 NoSuchKey');
    const query = [[`x-amz-meta-${name}`, 'x']] as const;
    expect(await whole.codeOf({ method: 'PUT', path: `/${open}/named`, query })).toBe('400 InvalidArgument');
  });
});

describe('the name of the file', () => {
  test.each(["$'", '$&', '$`', '$$', '$1', '$<a>'])('is text, %s too', async (filename) => {
    expect(await codeOf([['key', `in/${FILENAME}/end`]], { to: open, filename })).toBe('204');
    const path = `/${open}/in/${encodeURIComponent(filename)}/end`;
    expect((await whole.ok({ path })).body.toString()).toBe('the file');
  });

  test.each(["$'", '$`', 'a'])('cannot make the fields grow past what a form may have, by %j', async (unit) => {
    const startMs = performance.now();
    const fields: FormFields = [
      ['key', 'grown'],
      ['x-ignore-a', FILENAME.repeat(1_500)],
    ];
    expect(await codeOf(fields, { to: open, filename: unit.repeat(1_000) })).toBe(
      '400 MaxPostPreDataLengthExceededError',
    );
    expect(performance.now() - startMs).toBeLessThan(FORM_MS_MAX);
  });
});

interface Posting {
  readonly to?: string;
  readonly filename?: string;
}

async function codeOf(fields: FormFields, { to = bucket, filename = 'file.txt' }: Posting = {}): Promise<string> {
  const { status, body } = await whole.front.send({
    method: 'POST',
    path: `/${to}`,
    headers: { 'content-type': FORM_TYPE },
    body: formBody(fields, filename),
    keys: undefined,
  });
  const code = elementText(body, 'Code');
  return code === undefined ? String(status) : `${status} ${code}`;
}
