import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementText, type RawConnection, requestBytes } from '../support/raw-http.ts';
import { STREAMING_UNSIGNED_TRAILER, signByHeader, UNSIGNED } from '../support/sign.ts';
import type { SendOptions } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/**
 * The class of resource exhaustion and of panics on malformed input: numbers in odd forms, documents that blow up,
 * sizes past every limit, and texts that make a regular expression take for ever (ReDoS).
 */

/** No form of a whole number that S3 knows. */
const ODD_INTEGERS = [
  ...['-1', '+1', '1e3', '1E3', '0x10', '0b1', '0o7', '1.0', '1.', '.5', '1,000', '1_000', '1n', ' 1', '1 ', '1\t'],
  ...['٣', '１', '²', 'Ⅷ', 'NaN', 'Infinity', '-Infinity', 'null', 'undefined', 'true', '[]', '{}', '1;2', '%31'],
  ...['9007199254740993', '99999999999999999999', '9'.repeat(400), '18446744073709551617'],
];

const LARGEST_BODY_BYTES = 5 * 1024 ** 3;
/** How long any one request here may take, in milliseconds; what is not linear takes far longer. */
const REQUEST_MS_MAX = 3_000;

let whole: WholeFront;
let bucket: string;
let object: string;
let upload: { readonly path: string; readonly uploadId: string };

beforeAll(async () => {
  whole = await startWholeFront('memory');
  bucket = await whole.newBucket();
  object = `/${bucket}/key`;
  await whole.ok({ method: 'PUT', path: object, body: 'body' });
  const path = `/${bucket}/upload`;
  const { body } = await whole.ok({ method: 'POST', path, query: [['uploads', '']] });
  upload = { path, uploadId: elementText(body, 'UploadId') ?? '' };
});
afterAll(async () => whole[Symbol.asyncDispose]());

describe('an integer in an odd form', () => {
  const inQuery = (request: SendOptions, name: string) => (value: string) => ({
    ...request,
    query: [...(request.query ?? []), [name, value]] as const,
  });
  const inHeader = (request: SendOptions, name: string) => (value: string) => ({
    ...request,
    headers: { ...request.headers, [name]: Buffer.from(value).toString('latin1') },
  });
  const list = () => ({ path: `/${bucket}` });
  const parts = () => ({ path: upload.path, query: [['uploadId', upload.uploadId]] as const });
  const attributes = () => ({
    path: object,
    query: [['attributes', '']] as const,
    headers: { 'x-amz-object-attributes': 'ObjectParts' },
  });

  test.each<[string, () => (value: string) => SendOptions]>([
    ['max-keys of ListObjects', () => inQuery(list(), 'max-keys')],
    ['max-keys of ListObjectsV2', () => inQuery({ ...list(), query: [['list-type', '2']] }, 'max-keys')],
    ['max-keys of ListObjectVersions', () => inQuery({ ...list(), query: [['versions', '']] }, 'max-keys')],
    ['max-uploads of ListMultipartUploads', () => inQuery({ ...list(), query: [['uploads', '']] }, 'max-uploads')],
    ['max-buckets of ListBuckets', () => inQuery({ path: '/' }, 'max-buckets')],
    ['max-parts of ListParts', () => inQuery(parts(), 'max-parts')],
    ['part-number-marker of ListParts', () => inQuery(parts(), 'part-number-marker')],
    ['partNumber of GetObject', () => inQuery({ path: object }, 'partNumber')],
    ['partNumber of UploadPart', () => inQuery({ ...parts(), method: 'PUT' }, 'partNumber')],
    ['x-amz-max-parts of GetObjectAttributes', () => inHeader(attributes(), 'x-amz-max-parts')],
    ['x-amz-part-number-marker of GetObjectAttributes', () => inHeader(attributes(), 'x-amz-part-number-marker')],
    [
      'x-amz-mp-object-size of CompleteMultipartUpload',
      () => inHeader({ ...parts(), method: 'POST', body: listOf(1) }, 'x-amz-mp-object-size'),
    ],
    ['x-amz-if-match-size of DeleteObject', () => inHeader({ method: 'DELETE', path: object }, 'x-amz-if-match-size')],
    ['PartNumber in CompleteMultipartUpload', () => (value) => ({ ...parts(), method: 'POST', body: listOf(value) })],
    // A size below zero is one that no object has: an answer of its own, and nothing is deleted.
    ['Size in DeleteObjects', () => (value) => deleteObjects(`<Size>${value === '-1' ? '- 1' : value}</Size>`)],
  ])('as %s is refused with 400', async (_, makeRequest) => {
    for (const value of ODD_INTEGERS) {
      const request = makeRequest()(value);
      // White space around a header's value is no part of it.
      if (request.headers !== undefined && value.trim() !== value) continue;
      expect(await whole.codeOf(request), JSON.stringify(value)).toMatch(/^400 (?:InvalidArgument|MalformedXML)$/);
    }
    expect(await whole.codeOf({ path: object })).toBe('200');
  });

  test('as a range is no range, and the whole object comes', async () => {
    for (const value of ODD_INTEGERS.filter((text) => text.trim() === text && !/^9{20}|^9007|^1844|^-1$/.test(text))) {
      for (const range of [`bytes=${value}-2`, `bytes=0-${value}`, `bytes=${value}`]) {
        const headers = { range: Buffer.from(range).toString('latin1') };
        expect(await whole.codeOf({ path: object, headers }), range).toBe('200');
      }
    }
  });

  test('as the range of a part copy is refused', async () => {
    for (const value of ODD_INTEGERS.filter((text) => text.trim() === text)) {
      const range = Buffer.from(`bytes=0-${value}`).toString('latin1');
      const headers = { 'x-amz-copy-source': object, 'x-amz-copy-source-range': range };
      const request = { method: 'PUT', path: upload.path, headers };
      const query = [
        ['partNumber', '1'],
        ['uploadId', upload.uploadId],
      ] as const;
      expect(await whole.codeOf({ ...request, query }), range).toMatch(/^(?:400 InvalidArgument|416 InvalidRange)$/);
    }
  });
});

describe('a document that blows up', () => {
  const laughs = Array.from({ length: 10 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('');
  const documents: readonly (readonly [string, (root: string) => string | Buffer])[] = [
    ['of entities that multiply', (root) => `<!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]><${root}>&l10;</${root}>`],
    ['of an entity that grows with its parameter', (root) => `<!DOCTYPE x [<!ENTITY % a "b"> %a;]><${root}/>`],
    ['of a file', (root) => `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><${root}>&f;</${root}>`],
    ['of a page of another server', (root) => `<!DOCTYPE ${root} SYSTEM "http://127.0.0.1:1/x.dtd"><${root}/>`],
    ['of 10,000 nested elements', (root) => `<${root}>${'<A>'.repeat(10_000)}${'</A>'.repeat(10_000)}</${root}>`],
    ['of 200,000 elements', (root) => `<${root}>${'<A/>'.repeat(200_000)}</${root}>`],
    ['of one element name of 900 kB', (root) => `<${root}><${'a'.repeat(900_000)}/></${root}>`],
    [
      'of 100,000 attributes',
      (root) => `<${root} ${Array.from({ length: 100_000 }, (_, n) => `a${n}=""`).join(' ')}/>`,
    ],
    [
      'of 100,000 namespaces',
      (root) => `<${root} ${Array.from({ length: 50_000 }, (_, n) => `xmlns:a${n}="x"`).join(' ')}/>`,
    ],
    ['of a comment that never ends', (root) => `<${root}><!--${'-'.repeat(500_000)}`],
    ['of a CDATA section that never ends', (root) => `<${root}><![CDATA[${']'.repeat(500_000)}`],
    ['of a tag that never ends', (root) => `<${root} ${'<'.repeat(500_000)}`],
    ['of ampersands', (root) => `<${root}>${'&'.repeat(500_000)}</${root}>`],
    ['in UTF-16', (root) => Buffer.from(`\ufeff<${root}/>`, 'utf16le')],
    ['in no encoding at all', (root) => Buffer.from(`<${root}>\xff\xfe</${root}>`, 'latin1')],
    ['of NULs', () => Buffer.alloc(500_000)],
  ];

  test.each(documents)('%s is MalformedXML to every operation that reads one, at once', async (_, make) => {
    const targets: readonly (readonly [string, SendOptions])[] = [
      ['CreateBucketConfiguration', { method: 'PUT', path: '/never-made' }],
      ['VersioningConfiguration', { method: 'PUT', path: `/${bucket}`, query: [['versioning', '']] }],
      ['Delete', { method: 'POST', path: `/${bucket}`, query: [['delete', '']] }],
      ['CompleteMultipartUpload', { method: 'POST', path: upload.path, query: [['uploadId', upload.uploadId]] }],
    ];
    for (const [root, request] of targets) {
      const body = make(root);
      const headers = { 'content-md5': hash('md5', body, 'base64') };
      expect(await quickly({ ...request, body, headers }), root).toMatch(
        /^400 (?:MalformedXML|MaxMessageLengthExceeded)$/,
      );
    }
  });
});

describe('a size past its limit', () => {
  test.each<[string, () => SendOptions]>([
    ['PutObject', () => ({ method: 'PUT', path: object })],
    ['UploadPart', () => ({ method: 'PUT', path: upload.path, query: partOf(upload.uploadId) })],
  ])('of 5 GiB and one byte is EntityTooLarge to %s before any of it is read, in whatever framing', async (_, make) => {
    for (const sizeBytes of [LARGEST_BODY_BYTES + 1, Number.MAX_SAFE_INTEGER]) {
      expect(await announce(make(), { 'content-length': String(sizeBytes) }, UNSIGNED)).toBe('400 EntityTooLarge');
      const chunked = { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': String(sizeBytes) };
      const length = { 'content-length': String(sizeBytes + 1000) };
      expect(await announce(make(), { ...chunked, ...length }, STREAMING_UNSIGNED_TRAILER)).toBe('400 EntityTooLarge');
    }
  });

  test('of 10,001 parts is refused, and of 10,000 is looked at', async () => {
    const complete = (count: number) =>
      quickly({ method: 'POST', path: upload.path, query: [['uploadId', upload.uploadId]], body: manyParts(count) });
    expect(await complete(10_001)).toMatch(/^400 (?:MalformedXML|InvalidArgument)$/);
    expect(await complete(10_000)).toBe('400 InvalidPart');
  });

  test('of a key of 1,025 bytes is KeyTooLongError to every operation on objects, and 1,024 bytes is fine', async () => {
    const long = 'é'.repeat(512);
    for (const [key, expected] of [
      [long, /^20[04]$/],
      [`${long}k`, /^400(?: KeyTooLongError)?$/],
    ] as const) {
      const path = `/${bucket}/${encodeURIComponent(key)}`;
      const source = { 'x-amz-copy-source': `/${bucket}/${encodeURIComponent(key)}` };
      expect(await whole.codeOf({ method: 'PUT', path, body: 'body' })).toMatch(expected);
      expect(await whole.codeOf({ path })).toMatch(expected);
      expect(await whole.codeOf({ method: 'HEAD', path })).toMatch(expected);
      expect(await whole.codeOf({ method: 'PUT', path: `${object}-copy`, headers: source })).toMatch(expected);
      expect(await whole.codeOf({ method: 'PUT', path, headers: { 'x-amz-copy-source': object } })).toMatch(expected);
      expect(await whole.codeOf({ method: 'POST', path, query: [['uploads', '']] })).toMatch(expected);
      expect(await whole.codeOf({ path: `/${bucket}`, query: [['prefix', key]] })).toMatch(expected);
      expect(await whole.codeOf({ path: `/${bucket}`, query: [['marker', key]] })).toMatch(expected);
      expect(await whole.codeOf({ method: 'DELETE', path })).toMatch(expected);
    }
  });

  test('of metadata of 2 KiB and one byte is MetadataTooLarge to put, copy and upload', async () => {
    for (const [bytes, expected] of [
      [2048, '200'],
      [2049, '400 MetadataTooLarge'],
    ] as const) {
      const metadata = { 'x-amz-meta-a': 'x'.repeat(1000), 'x-amz-meta-bcd': 'x'.repeat(bytes - 1004) };
      const replace = { 'x-amz-copy-source': object, 'x-amz-metadata-directive': 'REPLACE' };
      const path = `${object}-large`;
      expect(await whole.codeOf({ method: 'PUT', path, headers: metadata })).toBe(expected);
      expect(await whole.codeOf({ method: 'PUT', path, headers: { ...replace, ...metadata } })).toBe(expected);
      expect(await whole.codeOf({ method: 'POST', path, query: [['uploads', '']], headers: metadata })).toBe(expected);
    }
  });

  test.each<[string, string, SendOptions]>([
    ['CreateBucket', 'CreateBucketConfiguration', { method: 'PUT', path: '/never-made' }],
    ['PutBucketVersioning', 'VersioningConfiguration', { method: 'PUT', query: [['versioning', '']] }],
  ])('of a configuration of more than 1 MiB is refused by %s', async (_, root, request) => {
    const body = `<${root}>${' '.repeat(1024 ** 2)}</${root}>`;
    expect(await quickly({ path: `/${bucket}`, ...request, body })).toBe('400 MaxMessageLengthExceeded');
  });

  test('of a document without a declared length is noticed while it comes', async () => {
    const request = { method: 'POST', path: `/${bucket}`, query: [['delete', '']] as const };
    const headers = { 'transfer-encoding': 'chunked', 'content-md5': hash('md5', '', 'base64') };
    const chunk = Buffer.alloc(8 * 1024 ** 2, ' ');
    const wire = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n0\r\n\r\n')]);
    expect(await announce(request, headers, UNSIGNED, wire)).toBe('400 MaxMessageLengthExceeded');
  });
});

describe('a text that makes a regular expression take for ever', () => {
  const LONG = 12_000;

  test.each<[string, () => SendOptions]>([
    ...['a', '%', '/', '\\', '*', '+', ' ', '\u0000', 'é'].map((unit): [string, () => SendOptions] => [
      `prefix, delimiter and marker of ${JSON.stringify(unit)}`,
      () => ({
        path: `/${bucket}`,
        query: [
          ['prefix', unit.repeat(500)],
          ['delimiter', unit.repeat(500)],
          ['marker', unit.repeat(500)],
        ],
      }),
    ]),
    ...['"', ',', '"",', 'W/', 'W/"', '" ', '*', 'a,'].flatMap((unit): [string, () => SendOptions][] =>
      ['if-match', 'if-none-match', 'if-range'].map((name) => [
        `${name} of ${JSON.stringify(unit)}`,
        () => ({ path: object, headers: { [name]: `${repeat(unit, LONG)}!`, range: 'bytes=0-1' } }),
      ]),
    ),
    ...['bytes=', '0', '-', '0-', ',', '0-0,', ' '].map((unit): [string, () => SendOptions] => [
      `range of ${JSON.stringify(unit)}`,
      () => ({ path: object, headers: { range: `bytes=${repeat(unit, LONG)}!` } }),
    ]),
    ...['0', '1994-11-06T08:49:37.', ' ', 'Sun, ', '(', '06 '].map((unit): [string, () => SendOptions] => [
      `times of ${JSON.stringify(unit)}`,
      () => ({
        path: object,
        headers: { 'if-modified-since': repeat(unit, LONG), 'if-unmodified-since': `${repeat(unit, 2000)}!` },
      }),
    ]),
    ...['%', '%25', '/', '?versionId=', '+', '..', '%2F'].map((unit): [string, () => SendOptions] => [
      `x-amz-copy-source of ${JSON.stringify(unit)}`,
      () => ({ method: 'PUT', path: `${object}-copy`, headers: { 'x-amz-copy-source': repeat(unit, LONG) } }),
    ]),
    ...['aws-chunked', ',', ' ,', 'a ,'].map((unit): [string, () => SendOptions] => [
      `content-encoding of ${JSON.stringify(unit)}`,
      () => ({ method: 'PUT', path: `${object}-encoded`, headers: { 'content-encoding': repeat(unit, LONG) } }),
    ]),
    ...['x', '.', '-', '1.', 'a-'].map((unit): [string, () => SendOptions] => [
      `a host of ${JSON.stringify(unit)}`,
      () => ({ path: object, headers: { host: `${repeat(unit, LONG)}.s3.test` } }),
    ]),
    ...['=', ',', 'Credential=', ' ', '/'].map((unit): [string, () => SendOptions] => [
      `authorization of ${JSON.stringify(unit)}`,
      () => ({ path: object, keys: undefined, headers: { authorization: `AWS4-HMAC-SHA256 ${repeat(unit, LONG)}` } }),
    ]),
  ])('%s is answered at once', async (_, make) => {
    expect(await quickly(make())).toMatch(/^[234]\d\d/);
  });

  test('a listing is linear in its keys, however alike keys, prefix and delimiter are', async () => {
    const alike = await whole.newBucket();
    for (let length = 1; length <= 1024; length += 31) {
      await whole.ok({ method: 'PUT', path: `/${alike}/${'a'.repeat(length)}` });
    }
    for (const delimiter of ['a', 'aa', 'a'.repeat(512), `${'a'.repeat(1023)}b`]) {
      const query = [
        ['prefix', 'a'.repeat(300)],
        ['delimiter', delimiter],
      ] as const;
      expect(await quickly({ path: `/${alike}`, query })).toBe('200');
    }
  });
});

/** As `codeOf`, where it takes no longer than it may. */
async function quickly(request: SendOptions): Promise<string> {
  const startMs = performance.now();
  const code = await whole.codeOf(request);
  expect(performance.now() - startMs).toBeLessThan(REQUEST_MS_MAX);
  return code;
}

/** Sends the head of a request, signed, and of its body no more than `body`. */
async function announce(
  { method = 'PUT', path = object, query = [] }: SendOptions,
  extra: Readonly<Record<string, string>>,
  mode: string,
  body: Uint8Array = Buffer.alloc(0),
): Promise<string> {
  const { front } = whole;
  const trailer = mode === STREAMING_UNSIGNED_TRAILER ? { 'x-amz-trailer': 'x-amz-checksum-crc32' } : {};
  const headers = { host: front.host, 'x-amz-content-sha256': mode, ...trailer, ...extra };
  const sent = signByHeader({ method, path, query, headers }, mode, front.context()).headers;
  const text = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  using connection: RawConnection = await front.connect();
  connection.send(requestBytes(`${method} ${path}?${text}`, sent, body));
  const answer = await connection.response();
  return `${answer.status} ${elementText(answer.body, 'Code')}`;
}

function partOf(uploadId: string) {
  return [
    ['partNumber', '1'],
    ['uploadId', uploadId],
  ] as const;
}

function listOf(partNumber: string | number): string {
  return `<CompleteMultipartUpload><Part><PartNumber>${partNumber}</PartNumber><ETag>"${'0'.repeat(32)}"</ETag></Part></CompleteMultipartUpload>`;
}

function manyParts(count: number): string {
  const part = (number: number) => `<Part><PartNumber>${number}</PartNumber><ETag>"${'0'.repeat(32)}"</ETag></Part>`;
  return `<CompleteMultipartUpload>${Array.from({ length: count }, (_, index) => part(index + 1)).join('')}</CompleteMultipartUpload>`;
}

function deleteObjects(element: string): SendOptions {
  const body = `<Delete><Object><Key>key</Key>${element}</Object></Delete>`;
  const headers = { 'content-md5': hash('md5', body, 'base64') };
  return { method: 'POST', path: `/${bucket}`, query: [['delete', '']], body, headers };
}

function repeat(unit: string, bytes: number): string {
  return unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);
}
