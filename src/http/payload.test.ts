import { describe, expect, test } from 'vitest';
import { codeOf } from '../../test/support/code-of.ts';
import { sha256 } from '../../test/support/sign.ts';
import type { PayloadMode } from './auth/payload-mode.ts';
import { RequestHeaders } from './parameters.ts';
import { createRequestBody } from './payload.ts';

const UNSIGNED: PayloadMode = { kind: 'unsigned' };
const CHUNKED: PayloadMode = { kind: 'chunked', trailer: false, signing: undefined };
const CHUNKED_TRAILER: PayloadMode = { kind: 'chunked', trailer: true, signing: undefined };
const HASHED: PayloadMode = { kind: 'hashed', sha256: sha256('hello') };

describe('the length that a body declares', () => {
  test.each<[PayloadMode, Record<string, string>, number | undefined]>([
    [UNSIGNED, { 'content-length': '5' }, 5],
    [UNSIGNED, { 'content-length': '0' }, 0],
    [UNSIGNED, {}, undefined],
    [UNSIGNED, { 'transfer-encoding': 'chunked' }, undefined],
    [HASHED, { 'content-length': '5' }, 5],
    [CHUNKED, { 'content-length': '100', 'x-amz-decoded-content-length': '5' }, 5],
    [CHUNKED, { 'transfer-encoding': 'chunked', 'x-amz-decoded-content-length': '5' }, 5],
  ])('%j with %j is %s', (mode, headers, expected) => {
    expect(bodyOf(mode, headers).declaredBytes).toBe(expected);
  });

  test.each([
    ['', 'InvalidArgument'],
    ['-1', 'InvalidArgument'],
    ['1e3', 'InvalidArgument'],
    ['5.0', 'InvalidArgument'],
    ['\u0663', 'InvalidArgument'],
    ['5,5', 'InvalidArgument'],
    ['99999999999999999999', 'InvalidArgument'],
    ['9999999999999999', 'InvalidArgument'],
  ])('as x-amz-decoded-content-length %j is %s', (text, code) => {
    expect(codeOf(() => bodyOf(CHUNKED, { 'x-amz-decoded-content-length': text }))).toBe(code);
  });

  test('is a must in aws-chunked framing', () => {
    expect(codeOf(() => bodyOf(CHUNKED, { 'content-length': '5' }))).toBe('MissingContentLength');
  });
});

describe('a hashed body', () => {
  test.each([[['hello']], [['he', 'llo']], [['h', 'e', 'l', 'l', 'o']]])(
    '%j passes where its hash is right',
    async (pieces) => {
      expect(await read(HASHED, { 'content-length': '5' }, pieces)).toBe('hello');
      expect(await read(HASHED, { 'transfer-encoding': 'chunked' }, pieces)).toBe('hello');
    },
  );

  test.each([[['hellO']], [['he', 'llO']], [['he', 'll']]])(
    '%j is XAmzContentSHA256Mismatch where it is wrong',
    async (pieces) => {
      const length = String(pieces.join('').length);
      await expect(read(HASHED, { 'content-length': length }, pieces)).rejects.toMatchObject({
        code: 'XAmzContentSHA256Mismatch',
      });
    },
  );

  test('of one piece is verified before any of it is passed on', async () => {
    const body = bodyOf(HASHED, { 'content-length': '5' }, ['hellO']);
    await expect(body[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'XAmzContentSHA256Mismatch' });
  });

  test('of no bytes is verified at once, though nobody reads it', () => {
    expect(codeOf(() => bodyOf(HASHED, {}))).toBe('XAmzContentSHA256Mismatch');
    expect(codeOf(() => bodyOf(HASHED, { 'content-length': '0' }))).toBe('XAmzContentSHA256Mismatch');
    expect(codeOf(() => bodyOf({ kind: 'hashed', sha256: sha256('') }, {}))).toBeUndefined();
  });
});

describe('x-amz-trailer', () => {
  const length = { 'x-amz-decoded-content-length': '0' };

  test.each([
    ['x-amz-checksum-crc32', ['x-amz-checksum-crc32']],
    [' X-Amz-Checksum-CRC32 ,x-amz-checksum-sha1', ['x-amz-checksum-crc32', 'x-amz-checksum-sha1']],
    ['', []],
  ])('%j announces %j', (text, names) => {
    expect(bodyOf(CHUNKED_TRAILER, { ...length, 'x-amz-trailer': text }).announcedTrailers).toEqual(names);
  });

  test.each(['x-amz-meta-a', 'content-md5', 'x-amz-checksum-crc32,', 'x-amz-checksum-crc32,x-amz-checksum-crc32'])(
    '%j is InvalidRequest',
    (text) => {
      expect(codeOf(() => bodyOf(CHUNKED_TRAILER, { ...length, 'x-amz-trailer': text }))).toBe('InvalidRequest');
    },
  );

  test('is InvalidRequest in a mode that has no trailer', () => {
    for (const mode of [UNSIGNED, HASHED, CHUNKED]) {
      const headers = { ...length, 'content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' };
      expect(codeOf(() => bodyOf(mode, headers))).toBe('InvalidRequest');
    }
  });
});

function bodyOf(mode: PayloadMode, headers: Readonly<Record<string, string>>, pieces: readonly string[] = []) {
  const left = pieces.map((piece) => Buffer.from(piece));
  return createRequestBody(mode, {
    headers: new RequestHeaders(Object.entries(headers).flat()),
    bytes: { next: () => left.shift() },
  });
}

async function read(
  mode: PayloadMode,
  headers: Readonly<Record<string, string>>,
  pieces: readonly string[],
): Promise<string> {
  const read: Uint8Array[] = [];
  for await (const piece of bodyOf(mode, headers, pieces)) read.push(piece);
  return Buffer.concat(read).toString();
}
