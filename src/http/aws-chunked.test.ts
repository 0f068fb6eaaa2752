import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { awsChunked, type ChunkedBody, type Signature, type SigningContext } from '../../test/support/sign.ts';
import { S3Error } from '../domain/s3-error.ts';
import { Secret } from '../domain/secret.ts';
import { SigningKeys } from './auth/signing-key.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import type { ByteSource } from './byte-source.ts';

const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const CONTEXT: SigningContext = { keys: KEYS, atMs: Date.UTC(2013, 4, 24) };
const SEED: Signature = {
  signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  timestamp: '20130524T000000Z',
  scope: '20130524/us-east-1/s3/aws4_request',
  signedHeaders: '',
};
const CHECKSUM = ['x-amz-checksum-crc32c', 'sOO8/Q=='] as const;

describe('the examples that AWS publishes', () => {
  test('signed chunks', async () => {
    const body = [
      '10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n',
      `${'a'.repeat(65_536)}\r\n`,
      '400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n',
      `${'a'.repeat(1024)}\r\n`,
      '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n',
      '\r\n',
    ].join('');
    expect(await decode(body, { signed: true })).toEqual({ text: 'a'.repeat(66_560), trailers: {} });
  });

  test.each(['\n', '\r\n'])('signed chunks and a signed trailer, whose lines end with %j', async (lineEnd) => {
    const body = [
      '10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n',
      `${'a'.repeat(65_536)}\r\n`,
      '400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n',
      `${'a'.repeat(1024)}\r\n`,
      '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n',
      `x-amz-checksum-crc32c:sOO8/Q==${lineEnd}`,
      `${lineEnd === '\n' ? '\r\n' : ''}x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n`,
      '\r\n',
    ].join('');
    const seed = { ...SEED, signature: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e' };
    const decoded = await decode(body, { signed: true, seed, announced: ['x-amz-checksum-crc32c'] });
    expect(decoded).toEqual({ text: 'a'.repeat(66_560), trailers: { 'x-amz-checksum-crc32c': 'sOO8/Q==' } });
  });
});

describe('every mode', () => {
  const modes = [
    { mode: 'signed', signed: true, trailers: undefined },
    { mode: 'signed with a trailer', signed: true, trailers: [CHECKSUM] },
    { mode: 'unsigned with a trailer', signed: false, trailers: [CHECKSUM] },
  ] as const;

  test.each(modes)('$mode: comes out as it went in, wherever the connection cuts it', async ({ signed, trailers }) => {
    const chunkSizes = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 6 });
    const cuts = fc.array(fc.nat(3000), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(chunkSizes, cuts, async (sizes, cutAt) => {
        const chunks = sizes.map((size, index) => Buffer.alloc(size, 'abcdef'[index]));
        const body = encode({ chunks, trailers, signed });
        const decoded = await decode(body, { signed, cutAt, announced: trailers && [CHECKSUM[0]] });
        expect(decoded.text).toBe(Buffer.concat(chunks).toString());
        expect(decoded.trailers).toEqual(trailers === undefined ? {} : { [CHECKSUM[0]]: CHECKSUM[1] });
      }),
      { numRuns: 60 },
    );
  });

  test.each(modes)('$mode: is refused wherever it is cut short', async ({ signed, trailers }) => {
    const body = encode({ chunks: [Buffer.from('hello'), Buffer.from('world')], trailers, signed });
    const announced = trailers && [CHECKSUM[0]];
    for (let length = 0; length < body.length - 2; length += 1) {
      const error = await failureOf(decode(body.subarray(0, length), { signed, announced, decodedBytes: 10 }));
      expect(['IncompleteBody', 'MalformedTrailerError', 'SignatureDoesNotMatch']).toContain(error.code);
    }
  });

  test.each(modes.filter(({ signed }) => signed))(
    '$mode: is refused whichever byte is changed',
    async ({ trailers }) => {
      const body = encode({ chunks: [Buffer.from('hello'), Buffer.from('world')], trailers, signed: true });
      const announced = trailers && [CHECKSUM[0]];
      for (let index = 0; index < body.length - 2; index += 1) {
        const changed = Buffer.from(body);
        changed[index] = (changed[index] ?? 0) ^ 1;
        const outcome = await decode(changed, { signed: true, announced, decodedBytes: 10 }).then(
          ({ text }) => text,
          (error: unknown) => error,
        );
        expect(outcome, `byte ${index}`).toBeInstanceOf(S3Error);
      }
    },
  );

  test('hands a chunk out as it came, uncopied', async () => {
    const body = encode({ chunks: [Buffer.from('hello')], trailers: [CHECKSUM], signed: false });
    const iterator = decodeAwsChunked(sourceOf([body]), framing({ announced: [CHECKSUM[0]], decodedBytes: 5 }));
    const { value } = await iterator.next();
    expect(value?.buffer).toBe(body.buffer);
  });

  test('one-byte chunks are slow to send and no trouble', async () => {
    const chunks = Array.from({ length: 2000 }, () => Buffer.from('x'));
    expect((await decode(encode({ chunks, signed: true }), { signed: true })).text).toBe('x'.repeat(2000));
  });
});

describe('framing', () => {
  const H = 'a'.repeat(64);
  test.each([
    ['no chunk at all', '', 'IncompleteBody'],
    ['no final chunk', '5\r\nhello\r\n', 'IncompleteBody'],
    ['less than was announced', '4\r\nhell\r\n0\r\n\r\n', 'IncompleteBody'],
    ['more than was announced', '6\r\nhello!\r\n0\r\n\r\n', 'IncompleteBody'],
    ['a second chunk too many', '5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n', 'IncompleteBody'],
    ['bytes after the end', '5\r\nhello\r\n0\r\n\r\nmore\r\n', 'MalformedTrailerError'],
    ['a chunk longer than its size', '4\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a size that is none', 'five\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a negative size', '-5\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a size in 0x', '0x5\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['no size', '\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a size past all limits', 'ffffffffffffffff\r\nhello', 'InvalidRequest'],
    ['a size of 5 GiB and one byte', '140000001\r\nhello', 'InvalidRequest'],
    ['a size of 17 digits', '00000000000000005\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a chunk extension', '5;ext=1\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a line without end', `${'0'.repeat(200)}`, 'InvalidRequest'],
    ['a line that ends with LF alone', '5\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    [
      'a signature where none belongs',
      `5;chunk-signature=${H}\r\nhello\r\n0;chunk-signature=${H}\r\n\r\n`,
      'InvalidRequest',
    ],
  ])('with %s is refused', async (_, body, code) => {
    expect((await failureOf(decode(body, { announced: [], decodedBytes: 5 }))).code).toBe(code);
  });

  test.each([
    ['no signature', '5\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a signature that is none', '5;chunk-signature=zz\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    [
      'the signature of something else',
      `5;chunk-signature=${H}\r\nhello\r\n0;chunk-signature=${H}\r\n\r\n`,
      'SignatureDoesNotMatch',
    ],
  ])('of signed chunks with %s is refused', async (_, body, code) => {
    expect((await failureOf(decode(body, { signed: true, decodedBytes: 5 }))).code).toBe(code);
  });

  test('of signed chunks is refused where chunks changed places', async () => {
    const [a, b] = [Buffer.from('aaaaa'), Buffer.from('bbbbb')];
    const body = encode({ chunks: [a, b], signed: true }).toString('latin1');
    const swapped = body
      .replace(/a{5}\r\n/, 'X')
      .replace(/b{5}\r\n/, 'aaaaa\r\n')
      .replace('X', 'bbbbb\r\n');
    expect((await failureOf(decode(swapped, { signed: true, decodedBytes: 10 }))).code).toBe('SignatureDoesNotMatch');
  });
});

describe('a trailer', () => {
  const body = (trailer: string) => `5\r\nhello\r\n0\r\n${trailer}`;

  test.each([
    ['x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n'],
    ['x-amz-checksum-crc32c:sOO8/Q==\r\n'],
    ['X-Amz-Checksum-Crc32c: sOO8/Q== \r\n\r\n'],
    ['x-amz-checksum-crc32c:sOO8/Q==\n\r\n'],
  ])('%j is understood', async (trailer) => {
    const decoded = await decode(body(trailer), { announced: [CHECKSUM[0]], decodedBytes: 5 });
    expect(decoded.trailers).toEqual({ [CHECKSUM[0]]: CHECKSUM[1] });
  });

  test.each([
    ['that was announced and does not come', '\r\n', 'MalformedTrailerError'],
    ['that was not announced', 'x-amz-checksum-sha1:x\r\n\r\n', 'MalformedTrailerError'],
    ['that comes twice', 'x-amz-checksum-crc32c:a\r\nx-amz-checksum-crc32c:b\r\n\r\n', 'MalformedTrailerError'],
    ['without a colon', 'x-amz-checksum-crc32c\r\n\r\n', 'MalformedTrailerError'],
    [
      'with a signature where chunks have none',
      `x-amz-checksum-crc32c:a\r\nx-amz-trailer-signature:${'a'.repeat(64)}\r\n\r\n`,
      'MalformedTrailerError',
    ],
    ['without end', `x-amz-checksum-crc32c:${'a'.repeat(5000)}\r\n\r\n`, 'MalformedTrailerError'],
    ['cut short', 'x-amz-checksum-crc32c:a', 'IncompleteBody'],
  ])('%s is refused', async (_, trailer, code) => {
    expect((await failureOf(decode(body(trailer), { announced: [CHECKSUM[0]], decodedBytes: 5 }))).code).toBe(code);
  });

  test('of signed chunks that is not signed is refused', async () => {
    const bytes = encode({ chunks: [Buffer.from('hello')], trailers: [CHECKSUM], signed: true }).toString('latin1');
    const options = { signed: true, announced: [CHECKSUM[0]], decodedBytes: 5 };
    const unsigned = bytes.replace(/x-amz-trailer-signature:.*\r\n/, '');
    expect((await failureOf(decode(unsigned, options))).code).toBe('SignatureDoesNotMatch');
    const changed = bytes.replace('sOO8/Q==', 'sOO8/A==');
    expect((await failureOf(decode(changed, options))).code).toBe('SignatureDoesNotMatch');
    const after = bytes.replace(/\r\n$/, 'x-amz-checksum-sha1:x\r\n');
    expect((await failureOf(decode(after, options))).code).toBe('MalformedTrailerError');
  });

  test('in a mode that has none is refused', async () => {
    const bytes = encode({ chunks: [Buffer.from('hello')], signed: true });
    const more = Buffer.concat([bytes.subarray(0, -2), Buffer.from('x-amz-checksum-crc32c:a\r\n\r\n')]);
    expect((await failureOf(decode(more, { signed: true }))).code).toBe('IncompleteBody');
  });
});

interface DecodeOptions {
  readonly signed?: boolean;
  readonly seed?: Signature;
  readonly decodedBytes?: number;
  readonly announced?: readonly string[] | undefined;
  /** Where the connection cuts the body. */
  readonly cutAt?: readonly number[];
}

async function decode(body: string | Buffer, options: DecodeOptions = {}) {
  const bytes = Buffer.from(body);
  const trailers = new Map<string, string>();
  const { signed = false, cutAt = [], announced, decodedBytes = decodedLength(bytes) } = options;
  const pieces: Uint8Array[] = [];
  const signing = signed ? { signing: signingFrom(options.seed ?? SEED) } : {};
  const source = sourceOf(cut(bytes, cutAt));
  for await (const piece of decodeAwsChunked(source, {
    ...framing({ announced, decodedBytes }),
    ...signing,
    trailers,
  })) {
    expect(piece.length).toBeGreaterThan(0);
    pieces.push(piece);
  }
  return { text: Buffer.concat(pieces).toString(), trailers: Object.fromEntries(trailers) };
}

function framing({ announced, decodedBytes }: { announced: readonly string[] | undefined; decodedBytes: number }) {
  return { signing: undefined, announced, decodedBytes, trailers: new Map<string, string>() };
}

function signingFrom({ signature, timestamp, scope }: Signature) {
  const [date = '', region = ''] = scope.split('/');
  const key = new SigningKeys().get(KEYS.accessKeyId, new Secret(KEYS.secretAccessKey), { date, region });
  return { key, timestamp, scope, seedSignature: signature };
}

function encode({ chunks, trailers, signed }: Omit<ChunkedBody, 'seed'> & { signed: boolean }): Buffer {
  return awsChunked({ chunks, ...(trailers && { trailers }), ...(signed && { seed: SEED }) }, CONTEXT);
}

/** What an honest client would say in `x-amz-decoded-content-length`. */
function decodedLength(body: Buffer): number {
  let total = 0;
  for (let position = 0; ; ) {
    const size = Number.parseInt(body.subarray(position, position + 16).toString('latin1'), 16);
    if (!(size > 0)) return total;
    total += size;
    position = body.indexOf('\r\n', position) + 2 + size + 2;
  }
}

function cut(bytes: Buffer, cutAt: readonly number[]): Buffer[] {
  const places = [0, ...cutAt.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places
    .slice(1)
    .map((end, index) => bytes.subarray(places[index], end))
    .filter((piece) => piece.length > 0);
}

/** Pieces that are there at once and pieces that are not, by turns. */
function sourceOf(pieces: readonly Uint8Array[]): ByteSource {
  let index = 0;
  return {
    next() {
      const piece = pieces[index];
      index += 1;
      return index % 2 === 0 ? piece : Promise.resolve(piece);
    },
  };
}

async function failureOf(promise: Promise<unknown>): Promise<S3Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof S3Error) return error;
  throw new Error('The test expects an S3Error.', { cause: error });
}
