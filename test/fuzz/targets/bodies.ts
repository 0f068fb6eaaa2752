import { S3Error } from '../../../src/domain/s3-error.ts';
import { decodeAwsChunked } from '../../../src/http/aws-chunked.ts';
import type { ByteSource } from '../../../src/http/byte-source.ts';
import { readPostForm } from '../../../src/http/post-form/form-reader.ts';
import { AT_MS, KEYS } from '../../support/authenticate.ts';
import { awsChunked } from '../../support/sign.ts';
import { demand, type FuzzTarget } from '../fuzz-target.ts';
import { mutate, perhaps } from '../mutate.ts';

const CONTEXT = { keys: KEYS, atMs: AT_MS };
const ANNOUNCED = ['x-amz-checksum-crc32', 'x-amz-checksum-sha256'];
/** Lengths of the pieces that a body comes in, over and over. */
const CUTS: readonly (readonly number[])[] = [[Number.POSITIVE_INFINITY], [1], [2, 3], [7, 1, 64]];

type ReadWhole = (source: ByteSource, label: string) => Promise<string>;

/** `aws-chunked` bodies without signatures: the same bytes and trailers, or the same error, however they are cut. */
export function chunkedBody(read: ReadWhole = readChunked): FuzzTarget {
  return {
    name: 'aws-chunked',
    make(dice) {
      const chunks = dice.some(4, () => Buffer.from(dice.bytes(40), 'latin1')).filter(({ length }) => length > 0);
      const trailers = dice.chance(0.5)
        ? [[perhaps(dice, ANNOUNCED), perhaps(dice, ['AAAAAA==', ' a b '])] as const]
        : undefined;
      const body = awsChunked({ chunks, trailers }, CONTEXT).toString('latin1');
      const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      const label = `${dice.chance(0.95) ? length : dice.below(100)},${(trailers ?? []).length > 0 ? (trailers?.[0]?.[0] ?? '') : ''}`;
      return `${label}\n${dice.chance(0.7) ? mutate(dice, body) : body}`;
    },
    check: (input) => checkCuts(input, read),
  };
}

/** Bodies of browser forms: the same fields and file, or the same error, however they are cut. */
export function postForm(read: ReadWhole = readForm): FuzzTarget {
  return {
    name: 'post-form',
    make(dice) {
      const part = (name: string, value: string) =>
        `--B\r\nContent-Disposition: form-data; name="${name}"${dice.chance(0.3) ? perhaps(dice, ['; filename="a\\b.txt"', '; x=y']) : ''}\r\n${
          dice.chance(0.3) ? perhaps(dice, ['Content-Type: text/plain\r\n', 'x: y\r\n']) : ''
        }\r\n${value}\r\n`;
      const fields = dice.some(4, () =>
        part(perhaps(dice, ['key', 'policy', 'acl', 'tagging', 'x-amz-meta-a']), dice.bytes(20)),
      );
      const body = `${fields.join('')}${part('file', dice.bytes(60))}--B--\r\n`;
      const label = perhaps(
        dice,
        ['multipart/form-data; boundary=B', 'multipart/form-data; boundary="B"'],
        0.05,
      ).replaceAll('\n', '');
      return `${label}\n${dice.chance(0.6) ? mutate(dice, body) : body}`;
    },
    check: (input) => checkCuts(input, read),
  };
}

async function checkCuts(input: string, read: ReadWhole): Promise<void> {
  const end = input.indexOf('\n');
  const label = input.slice(0, Math.max(end, 0));
  const bytes = Buffer.from(input.slice(end + 1), 'latin1');
  const outcomes = new Set<string>();
  for (const cut of CUTS) outcomes.add(await outcomeOf(() => read(new CutSource(bytes, cut), label)));
  demand(outcomes.size === 1, `What comes of a body depends on how it is cut: ${[...outcomes].join(' or ')}.`);
}

async function outcomeOf(read: () => Promise<string>): Promise<string> {
  try {
    return `value ${await read()}`;
  } catch (error) {
    if (error instanceof S3Error && error.status !== 500) return `error ${error.code}`;
    throw error;
  }
}

/** Bytes that come in pieces of given lengths. */
export class CutSource implements ByteSource {
  #rest: Buffer;
  #pieces = 0;
  readonly #lengths: readonly number[];

  constructor(bytes: Buffer, lengths: readonly number[]) {
    this.#rest = Buffer.from(bytes);
    this.#lengths = lengths;
  }

  next(): Uint8Array | undefined {
    if (this.#rest.length === 0) return undefined;
    const length = this.#lengths[this.#pieces++ % this.#lengths.length] ?? 1;
    const piece = Buffer.from(this.#rest.subarray(0, length));
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}

/** The label is the decoded length, a comma, and the trailer that is announced, if any. */
export async function readChunked(source: ByteSource, label: string): Promise<string> {
  const [length = '', announced = ''] = label.split(',');
  const trailers = new Map<string, string>();
  const framing = {
    signing: undefined,
    decodedBytes: Number.parseInt(length, 10) || 0,
    announced: announced === '' ? undefined : [announced.toLowerCase()],
    trailers,
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of decodeAwsChunked(source, framing)) pieces.push(Buffer.from(piece));
  return `${Buffer.concat(pieces).toString('hex')} ${JSON.stringify([...trailers])}`;
}

async function readForm(source: ByteSource, label: string): Promise<string> {
  const form = await readPostForm(source, label);
  const pieces: Uint8Array[] = [];
  for await (const piece of form.file) pieces.push(Buffer.from(piece));
  return `${JSON.stringify([...form.fields])} ${form.filename} ${Buffer.concat(pieces).toString('hex')}`;
}
