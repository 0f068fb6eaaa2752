import { describe, expect, test } from 'vitest';
import { S3Error } from '../../src/domain/s3-error.ts';
import { parseTarget } from '../../src/http/target.ts';
import { ChunkedCoding } from '../../src/http/wire/chunked-coding.ts';
import { parseRequestHead } from '../../src/http/wire/request-head.ts';
import { EdnError, readEdn } from '../../src/moving/edn.ts';
import { authenticateRaw } from '../support/authenticate.ts';
import { Dice } from './dice.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { runTarget } from './run-target.ts';
import { allTargets } from './targets/all-targets.ts';
import { chunkedBody, postForm, readChunked } from './targets/bodies.ts';
import { httpFraming } from './targets/http-framing.ts';
import { operations } from './targets/operations.ts';
import { requestTarget } from './targets/request-target.ts';
import { storedRows } from './targets/rows.ts';
import { signatures } from './targets/signatures.ts';
import { bucketPolicy, configuration, edn, postPolicy } from './targets/texts.ts';
import { xml } from './targets/xml.ts';

/** The same each time, so that a test which fails fails again. `npm run fuzz` takes another one each time. */
const SEED = 6;
const DURATION_MS = 2_000;
/** Within how many cases a broken parser must be found. */
const CASES_MAX = 2_000;

describe('within two seconds of random input, a value or an error of its own kind is all that comes of', () => {
  test.each(allTargets())('$name', async (target) => {
    const report = await runTarget(target, { seed: SEED, durationMs: DURATION_MS });
    expect(report.failure).toBeUndefined();
    expect(report.cases).toBeGreaterThan(20);
  });
});

/** Parsers with the mistakes that the fuzzers are there to find. */
const BROKEN: readonly (readonly [mistake: string, target: FuzzTarget])[] = [
  [
    'the first of two lengths counts',
    httpFraming({
      parseHead: (text) => parseRequestHead(text.replace(/(content-length:.*)\r\ncontent-length:.*/i, '$1')),
    }),
  ],
  [
    'a length beside a coding is overlooked',
    httpFraming({ parseHead: (text) => parseRequestHead(isCoded(text) ? text.replace(/content-length/i, 'x') : text) }),
  ],
  [
    'a space before a colon is trimmed',
    httpFraming({ parseHead: (text) => parseRequestHead(text.replaceAll(' :', ':')) }),
  ],
  [
    'a folded line goes on with the one before it',
    httpFraming({ parseHead: (text) => parseRequestHead(text.replaceAll(/\r\n[ \t]+/g, ' ')) }),
  ],
  ['a chunk is lost of which one byte comes alone', httpFraming({ makeCoding: () => new LossyCoding() })],
  [
    'a target is decoded twice',
    requestTarget((source, hosts) => {
      const parsed = parseTarget(source, hosts);
      return { ...parsed, key: parsed.key && decodeURIComponent(parsed.key) };
    }),
  ],
  [
    'a signature holds for any path',
    signatures((line, headers) => authenticateRaw(line.replace(/ \/[^?]*/, ' /b'), headers)),
  ],
  [
    'a chunk is lost that comes in pieces',
    chunkedBody(async (source, label) => readChunked({ next: () => skipOneByte(source.next()) }, label)),
  ],
  [
    'a form is read from its first piece alone',
    postForm(async (source) => Buffer.from((await source.next()) ?? []).toString('latin1')),
  ],
  ['a form policy is trusted to be JSON', postPolicy((policy) => JSON.parse(Buffer.from(policy, 'base64').toString()))],
  ['an XML document has no root', xml(() => ({ name: '', text: '', children: [] }))],
  [
    'an operation answers what it cannot parse by an internal error',
    operations((call) => async (operation, request) => {
      try {
        return await call(operation, request);
      } catch (cause) {
        if (cause instanceof S3Error && cause.code === 'MalformedXML') throw new S3Error('InternalError', { cause });
        throw cause;
      }
    }),
  ],
  [
    'an operation sends a header that no header can be',
    operations((call) => async (operation, request) => ({
      ...(await call(operation, request)),
      headers: new Map([['x-key', `${request.key ?? ''}\n`]]),
    })),
  ],
  ['a policy is trusted to be JSON', bucketPolicy((text) => JSON.parse(text))],
  [
    'a configuration of the wrong kind is a TypeError',
    configuration(async () => {
      throw new TypeError('Cannot read properties of undefined.');
    }),
  ],
  [
    'EDN has a depth that overflows',
    edn((text) => {
      try {
        return readEdn(text);
      } catch (cause) {
        if (cause instanceof EdnError && cause.message.includes('deep')) throw new RangeError('Maximum', { cause });
        throw cause;
      }
    }),
  ],
  ['rows are read without their checksum', storedRows({ 'blob-record': (row) => row.toString('hex') })],
  [
    'a parser takes longer than a second',
    {
      name: 'slow',
      make: () => 'x',
      check: (input) => {
        if (input === '') return;
        const beganAt = process.cpuUsage();
        for (let spentUs = 0; spentUs < 1_200_000; ) {
          const { user, system } = process.cpuUsage(beganAt);
          spentUs = user + system;
        }
      },
    },
  ],
];

describe('the fuzzers find within 2,000 cases that', () => {
  test.each(BROKEN)('%s', async (_, target) => {
    const report = await runTarget(target, { seed: SEED, casesMax: CASES_MAX, shrinksMax: 20 });
    expect(report.failure).toBeDefined();
  });
});

test('a case fails again by its seed and number alone, with the smallest input that fails', async () => {
  const target: FuzzTarget = {
    name: 'no-percent',
    make: (dice) => dice.bytes(200),
    check: (input) => {
      if (input.includes('%')) throw new Error('A percent sign.');
    },
  };
  const { failure } = await runTarget(target, { seed: SEED, casesMax: CASES_MAX });
  expect(failure?.input).toBe('%');
  const again = await runTarget(target, { seed: SEED, firstCase: failure?.caseNumber ?? -1, casesMax: 1 });
  expect(again.failure).toEqual(failure);
});

test('the same seed and number make the same case, and others another', () => {
  const bytesOf = (seed: number, caseNumber: number) => new Dice(seed, caseNumber).bytes(100);
  expect(bytesOf(1, 2)).toBe(bytesOf(1, 2));
  expect(new Set([bytesOf(1, 2), bytesOf(2, 1), bytesOf(1, 3), bytesOf(3, 2)]).size).toBe(4);
});

function skipOneByte(piece: Uint8Array | undefined | Promise<Uint8Array | undefined>) {
  return piece instanceof Uint8Array && piece.length === 1 && piece[0] === 0x61 ? new Uint8Array() : piece;
}

class LossyCoding extends ChunkedCoding {
  override decode(bytes: Buffer, take: (start: number, end: number) => void): Buffer | undefined {
    return super.decode(bytes, (start, end) => (end - start === 1 ? undefined : take(start, end)));
  }
}

function isCoded(head: string): boolean {
  return /^transfer-encoding:/im.test(head);
}
