import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { headerMap } from '../../test/support/s3-request.ts';
import { checksumOf } from '../domain/digests.ts';
import { parseXml } from '../xml/parse.ts';
import { parseBodyDigests } from './body-digests.ts';
import type { RequestBody } from './request.ts';
import { fieldsOf, readBody, readOptionalXmlBody, readXmlBody } from './xml-body.ts';

const DOCUMENT = Buffer.from('<A><B>1</B></A>');

describe('readXmlBody', () => {
  test('reads a document that comes in pieces', async () => {
    const body = bodyOf([DOCUMENT.subarray(0, 3), DOCUMENT.subarray(3)]);
    expect(await readXmlBody(body, { root: 'A', bytesMax: 100 })).toMatchObject({ name: 'A' });
  });

  test('refuses a declared length above the limit without reading', async () => {
    const body = bodyOf([DOCUMENT], { declaredBytes: 101 });
    await expect(readXmlBody(body, { root: 'A', bytesMax: 100 })).rejects.toMatchObject({
      code: 'MaxMessageLengthExceeded',
    });
  });

  test('refuses more bytes than the limit where no length was declared', async () => {
    const body = bodyOf([Buffer.alloc(60), Buffer.alloc(60)]);
    await expect(readXmlBody(body, { root: 'A', bytesMax: 100 })).rejects.toMatchObject({
      code: 'MaxMessageLengthExceeded',
    });
  });

  test('says that a body is missing, unless it may be', async () => {
    const limits = { root: 'A', bytesMax: 100 };
    await expect(readXmlBody(bodyOf([]), limits)).rejects.toMatchObject({ code: 'MissingRequestBodyError' });
    expect(await readOptionalXmlBody(bodyOf([]), limits)).toBeUndefined();
  });

  test.each(['<A>', '<!DOCTYPE A><A/>', '<Z/>', 'x', '{}'])('answers MalformedXML to %s', async (text) => {
    const body = bodyOf([Buffer.from(text)]);
    await expect(readXmlBody(body, { root: 'A', bytesMax: 100 })).rejects.toMatchObject({ code: 'MalformedXML' });
  });
});

describe('the digests of a small body', () => {
  const md5 = createHash('md5').update(DOCUMENT).digest('base64');
  const crc32 = checksumOf('CRC32', DOCUMENT);

  test.each([
    ['none', {}],
    ['Content-MD5', { 'content-md5': md5 }],
    ['a checksum', { 'x-amz-checksum-crc32': crc32 }],
    ['a checksum that is announced', { 'x-amz-checksum-crc32': crc32, 'x-amz-sdk-checksum-algorithm': 'CRC32' }],
    ['both', { 'content-md5': md5, 'x-amz-checksum-sha256': checksumOf('SHA256', DOCUMENT) }],
  ])('may be %s', async (_, headers) => {
    expect(await read(headers)).toEqual(DOCUMENT);
  });

  test('may come in the trailer', async () => {
    const name = 'x-amz-checksum-crc32c';
    const right = bodyOf([DOCUMENT], { trailers: new Map([[name, checksumOf('CRC32C', DOCUMENT)]]) });
    expect(await read({}, right)).toEqual(DOCUMENT);
    const wrong = bodyOf([DOCUMENT], { trailers: new Map([[name, 'AAAAAA==']]) });
    await expect(read({}, wrong)).rejects.toMatchObject({ code: 'BadDigest' });
  });

  test.each([
    ['a Content-MD5 of other bytes', { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'BadDigest'],
    ['a Content-MD5 that is none', { 'content-md5': 'abc' }, 'InvalidDigest'],
    ['an empty Content-MD5', { 'content-md5': '' }, 'InvalidDigest'],
    ['a checksum of other bytes', { 'x-amz-checksum-crc32': 'AAAAAA==' }, 'BadDigest'],
    ['a checksum that is none', { 'x-amz-checksum-crc32': 'AAAA' }, 'InvalidRequest'],
    ['two checksums', { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-crc32c': 'AAAAAA==' }, 'InvalidRequest'],
    ['an announced checksum that is missing', { 'x-amz-sdk-checksum-algorithm': 'CRC32' }, 'InvalidRequest'],
    [
      'another checksum than the announced one',
      { 'x-amz-checksum-crc32': crc32, 'x-amz-sdk-checksum-algorithm': 'SHA256' },
      'InvalidRequest',
    ],
    ['an algorithm that S3 has not', { 'x-amz-checksum-xxhash4': 'AAAAAAAAAAA=' }, 'InvalidRequest'],
  ])('are refused when they are %s', async (_, headers, code) => {
    await expect(read(headers)).rejects.toMatchObject({ code });
  });

  async function read(headers: Readonly<Record<string, string>>, body = bodyOf([DOCUMENT])) {
    const digests = parseBodyDigests({ body, headers: headerMap(headers) });
    return readBody(body, { bytesMax: 100, digests });
  }
});

describe('fieldsOf', () => {
  const shape = { single: ['Text', 'Flag', 'Number', 'Inner'], repeated: ['Item'], notImplemented: ['Later'] } as const;

  test('gives texts as they stand, numbers, booleans and elements', () => {
    const fields = fieldsOf(
      parse(
        '<A><Item>1</Item><Text> x </Text><Flag>true</Flag><Number>-42</Number><Item>2</Item><Inner><X/></Inner></A>',
      ),
      shape,
    );
    expect(fields.text('Text')).toBe(' x ');
    expect(fields.requiredText('Text')).toBe(' x ');
    expect(fields.boolean('Flag')).toBe(true);
    expect(fields.integer('Number')).toBe(-42);
    expect(fields.children('Item').map(({ text }) => text)).toEqual(['1', '2']);
    expect(fields.child('Inner')?.children[0]?.name).toBe('X');
  });

  test('gives undefined for what is not there, or says so', () => {
    const fields = fieldsOf(parse('<A/>'), shape);
    expect(fields.text('Text')).toBeUndefined();
    expect(fields.integer('Number')).toBeUndefined();
    expect(fields.boolean('Flag')).toBeUndefined();
    expect(fields.children('Item')).toEqual([]);
    expect(() => fields.requiredText('Text')).toThrow(/The element A lacks Text/);
    expect(() => fields.requiredInteger('Number')).toThrow(/The element A lacks Number/);
  });

  test.each([
    ['an unknown element', '<A><Tetx>x</Tetx></A>', 'MalformedXML', /"Tetx" is not known in A/],
    ['an element of Object', '<A><__proto__/></A>', 'MalformedXML', /"__proto__" is not known/],
    ['a single element twice', '<A><Text/><Text/></A>', 'MalformedXML', /Text stands twice/],
    ['text in place of elements', '<A>x</A>', 'MalformedXML', /A must not hold text/],
    ['an element that is not honoured', '<A><Later/></A>', 'NotImplemented', /Later of A is not implemented/],
  ])('refuses %s', (_, text, code, message) => {
    expect(() => fieldsOf(parse(text), shape)).toThrow(expect.objectContaining({ code }));
    expect(() => fieldsOf(parse(text), shape)).toThrow(message);
  });

  test.each(['', ' 1', '1 ', '+1', '1.0', '1e3', '0x10', '٣', '1'.repeat(16)])('refuses %j as a number', (text) => {
    expect(() => fieldsOf(parse(`<A><Number>${text}</Number></A>`), shape).integer('Number')).toThrow(/whole number/);
  });

  test.each(['', 'TRUE', '1', 'yes'])('refuses %j as a boolean', (text) => {
    expect(() => fieldsOf(parse(`<A><Flag>${text}</Flag></A>`), shape).boolean('Flag')).toThrow(/true or false/);
  });

  test('refuses elements in place of a text', () => {
    expect(() => fieldsOf(parse('<A><Text><X/></Text></A>'), shape).text('Text')).toThrow(/must hold text alone/);
  });

  test('repeats no more than a hundred characters of what the client sent', () => {
    const name = 'x'.repeat(5000);
    expect(() => fieldsOf(parse(`<A><${name}/></A>`), shape)).toThrow(
      expect.objectContaining({ code: 'MalformedXML' }),
    );
    try {
      fieldsOf(parse(`<A><${name}/></A>`), shape);
    } catch (error) {
      expect(String(error).length).toBeLessThan(400);
    }
  });
});

function parse(text: string) {
  return parseXml(Buffer.from(text));
}

function bodyOf(
  chunks: readonly Uint8Array[],
  { declaredBytes, trailers = new Map() }: { declaredBytes?: number; trailers?: ReadonlyMap<string, string> } = {},
): RequestBody {
  return {
    declaredBytes,
    trailers,
    announcedTrailers: [...trailers.keys()],
    async *[Symbol.asyncIterator]() {
      yield* chunks;
    },
  };
}
