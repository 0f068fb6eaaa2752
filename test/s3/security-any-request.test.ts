import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { percentEncode } from '../../src/http/percent.ts';
import { S3_MODEL } from '../../src/operations/s3-model.ts';
import { elementText } from '../support/raw-http.ts';
import type { SendOptions } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

/**
 * The class of panics on malformed input: whatever words of S3 a request is made of, and whatever values they have, the
 * answer is one of S3's, and the server goes on.
 */

const RUNS = 400;
const SEED = 20_261_123;

const PLACES = Object.values(S3_MODEL).flatMap(({ parameters, literals }) => [
  ...Object.values(parameters),
  ...Object.keys(literals).map((name) => `query:${name}`),
]);
const QUERY_NAMES = namesIn('query:', ['x-id', '__proto__', 'X-Amz-Date', 'x-amz-meta-a', 'x-amz-acl']);
const HEADER_NAMES = namesIn('header:', [
  ...['if-range', 'x-amz-meta-a', 'x-amz-meta-__proto__', 'x-amz-trailer', 'accept', 'origin', 'cookie', 'te'],
  ...['x-amz-decoded-content-length', 'x-amz-content-sha256', 'x-amz-security-token'],
]).filter((name) => name !== 'content-length');
const ROOTS = ['Delete', 'CompleteMultipartUpload', 'CreateBucketConfiguration', 'VersioningConfiguration', 'Tagging'];
const ELEMENTS = [
  ...['Object', 'Key', 'VersionId', 'ETag', 'Quiet', 'Size', 'LastModifiedTime', 'Part', 'PartNumber', 'Status'],
  ...['LocationConstraint', 'MfaDelete', 'ChecksumCRC32', '__proto__', 'Location', 'Bucket'],
];
const ODD_VALUES = [
  ...['', ' ', '0', '1', '-1', '2', '10000', '10001', '9'.repeat(30), '1e3', 'true', 'false', 'null', 'undefined', '*'],
  ...[
    'private',
    'STANDARD',
    'COPY',
    'REPLACE',
    'ENABLED',
    'Enabled',
    'url',
    'COMPOSITE',
    'FULL_OBJECT',
    'CRC32',
    'SHA256',
  ],
  ...[
    'bytes=0-1',
    'bytes=-1',
    'bytes=1-0',
    '"x"',
    '"',
    'W/"x"',
    'AAAAAA==',
    '1B2M2Y8AsgTpgAmY7PhCfg==',
    'ETag,ObjectParts',
  ],
  ...[
    'Sun, 06 Nov 1994 08:49:37 GMT',
    '1994-11-06T08:49:37Z',
    'us-east-1',
    'arn:aws:s3:::b',
    '/',
    '//',
    '../..',
    '%2e%2e',
  ],
  ...[
    '%',
    '%zz',
    'é',
    '\u{1f600}',
    '\ud800',
    '\u0000',
    '\r\n',
    '\u007f',
    '__proto__',
    'x'.repeat(1024),
    'é'.repeat(600),
  ],
  ...['STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'UNSIGNED-PAYLOAD', 'x-amz-checksum-crc32', 'aws-chunked', 'gzip'],
];

test.each(['memory', 'embedded'] as const)(
  'no request makes the server on the %s engine fail or hang',
  async (engine) => {
    await using whole = await startWholeFront(engine);
    const requests = anyRequest(await begin(whole));
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const { status, headers, body } = await whole.front.send(request);
        const shown = `${status} ${body.toString().slice(0, 500)}`;
        expect(status < 500 || status === 501, shown).toBe(true);
        expect(headers.get('x-amz-request-id'), shown).toMatch(/^[0-9A-F]{16}$/);
        if (status >= 400 && request.method !== 'HEAD') expect(elementText(body, 'Code'), shown).toMatch(/^[A-Z]\w+$/);
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: false },
    );
    expect(await whole.codeOf({ path: '/' })).toBe('200');
    expect(whole.front.logLines.filter(({ level }) => level === 'error')).toEqual([]);
  },
);

type Pairs = readonly (readonly [name: string, value: string])[];

/** What requests can be about. */
interface Subject {
  readonly bucket: string;
  /** Names of what is there. */
  readonly values: readonly string[];
  /** Of an open upload of `key`. */
  readonly uploadId: string;
}

async function begin(whole: WholeFront): Promise<Subject> {
  const bucket = await whole.newBucket();
  const enabled = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  await whole.ok({ method: 'PUT', path: `/${bucket}`, query: [['versioning', '']], body: enabled });
  const { headers } = await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'body' });
  await whole.ok({ method: 'PUT', path: `/${bucket}/large`, body: Buffer.alloc(100_000) });
  const created = await whole.ok({ method: 'POST', path: `/${bucket}/key`, query: [['uploads', '']] });
  const uploadId = elementText(created.body, 'UploadId') ?? '';
  const version = [headers.get('x-amz-version-id') ?? '', headers.get('etag') ?? ''];
  const names = [`/${bucket}/key`, `${bucket}/large?versionId=null`, 'key', bucket, 'alice'];
  return { bucket, uploadId, values: [...version, uploadId, ...names] };
}

function anyRequest({ bucket: known, uploadId, values }: Subject): fc.Arbitrary<SendOptions> {
  const value = fc.oneof(
    { arbitrary: fc.constantFrom(...values), weight: 3 },
    { arbitrary: fc.constantFrom(...ODD_VALUES), weight: 5 },
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const bucket = fc.oneof({ arbitrary: fc.constant(known), weight: 8 }, fc.constantFrom('no-bucket', '..', 'A', ''));
  const key = fc.oneof({ arbitrary: fc.constantFrom('key', 'large', 'copy'), weight: 6 }, value);
  const path = fc.oneof(
    { arbitrary: fc.tuple(bucket, key).map(([b, k]) => `/${b}/${percentEncode(k.toWellFormed())}`), weight: 6 },
    { arbitrary: bucket.map((b) => `/${b}`), weight: 3 },
    fc.constant('/'),
  );
  // What selects the operations that are implemented, more often than chance would.
  const selectors = fc.constantFrom<Pairs>(
    ...[[], [], []],
    ...['uploads', 'versions', 'versioning', 'delete', 'location', 'attributes'].map((name): Pairs => [[name, '']]),
    [['list-type', '2']],
    [['uploadId', uploadId]],
    [['versionId', values[0] ?? '']],
    [
      ['partNumber', '1'],
      ['uploadId', uploadId],
    ],
  );
  const helpful = fc.constantFrom<Readonly<Record<string, string>>>(
    ...[{}, {}, { 'x-amz-copy-source': `/${known}/key` }, { 'x-amz-copy-source': `/${known}/large` }],
    { 'x-amz-object-attributes': 'ETag,Checksum,ObjectParts,StorageClass,ObjectSize' },
  );
  const pairsOf = (names: readonly string[], maxLength: number) =>
    fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength });
  return (
    fc
      .record({
        method: fc.constantFrom('GET', 'GET', 'PUT', 'PUT', 'POST', 'DELETE', 'HEAD'),
        path,
        selectors,
        helpful,
        query: pairsOf(QUERY_NAMES, 2),
        headers: pairsOf(HEADER_NAMES, 3),
        body: anyBody(value),
        withDigest: fc.boolean(),
      })
      // Aborting the upload would leave nothing for the requests that come after.
      .filter(({ method, selectors }) => method !== 'DELETE' || selectors.every(([name]) => name !== 'uploadId'))
      .map(({ method, path, selectors, helpful, query, headers, body, withDigest }) => ({
        method,
        path,
        query: [...selectors, ...query.map(([name, text]) => [name, text.toWellFormed()] as const)],
        headers: {
          ...helpful,
          ...(withDigest && { 'content-md5': hash('md5', body, 'base64') }),
          ...Object.fromEntries(headers.map(([name, text]) => [name, asHeader(text)])),
        },
        body,
      }))
  );
}

/** Nothing, any bytes, or a document that looks like one of S3's. */
function anyBody(value: fc.Arbitrary<string>): fc.Arbitrary<string | Uint8Array> {
  const leaf = fc.tuple(fc.constantFrom(...ELEMENTS), value).map(([name, text]) => xml(name, escapeXml(text)));
  const node = fc.oneof(
    leaf,
    fc
      .tuple(fc.constantFrom(...ELEMENTS), fc.array(leaf, { maxLength: 4 }))
      .map(([name, inner]) => xml(name, inner.join(''))),
  );
  const nodes = fc.array(node, { maxLength: 4 }).map((inner) => inner.join(''));
  const leaves = fc.array(leaf, { maxLength: 1 }).map((inner) => inner.join(''));
  const document = fc.tuple(fc.constantFrom(...ROOTS), nodes).map(([root, inner]) => xml(root, inner));
  const deletion = fc
    .tuple(value, leaves)
    .map(([key, more]) => xml('Delete', xml('Object', `${xml('Key', escapeXml(key))}${more}`)));
  const completion = fc
    .tuple(value, leaves)
    .map(([etag, more]) =>
      xml('CompleteMultipartUpload', xml('Part', `<PartNumber>1</PartNumber>${xml('ETag', escapeXml(etag))}${more}`)),
    );
  return fc.oneof(fc.constant(''), document, deletion, completion, fc.uint8Array({ maxLength: 100 }));
}

/** The text as one that HTTP lets a header have: UTF-8, one character a byte, without control characters. */
function asHeader(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replaceAll(/[\u0000-\u001f\u007f]/g, '')
    .trim();
}

function xml(name: string, inner: string): string {
  return `<${name}>${inner}</${name}>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function namesIn(prefix: string, others: readonly string[]): readonly string[] {
  const names = PLACES.filter((place) => place.startsWith(prefix)).map((place) => place.slice(prefix.length));
  return [...new Set([...names, ...others])];
}
