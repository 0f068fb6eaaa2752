import { S3Error } from '../../../src/domain/s3-error.ts';
import { ChunkedCoding } from '../../../src/http/wire/chunked-coding.ts';
import { type BodyFraming, parseRequestHead, type RequestHead } from '../../../src/http/wire/request-head.ts';
import type { FramedRequest } from './framed-request.ts';

const HEAD_END = '\r\n\r\n';
const EMPTY_LINE = '\r\n';

/** What frames requests: the parsers of the front, or broken ones. */
export interface FramingParsers {
  readonly parseHead: (text: string) => RequestHead;
  readonly makeCoding: () => Pick<ChunkedCoding, 'decode' | 'isAtEnd'>;
}

export const FRONT_PARSERS: FramingParsers = { parseHead: parseRequestHead, makeCoding: () => new ChunkedCoding() };

/** What the front makes of the bytes of one connection. */
export interface ReadByFront {
  readonly requests: readonly FramedRequest[];
  /** Why nothing came after the last: it was to be the last, the bytes ended too early, or what came was refused. */
  readonly end: 'closed' | 'head missing' | 'body missing' | `refused: ${string}`;
}

export interface FrontReadOptions {
  /** Lengths of the pieces that coded bodies come in, over and over. */
  readonly cut: readonly number[];
  readonly parsers: FramingParsers;
}

interface ReadBody {
  readonly text: string;
  /** What came after it, and why it has no end where nothing did. */
  readonly after: Buffer | undefined;
  readonly end: ReadByFront['end'];
}

/** Reads requests off the bytes of a connection as one of the front does, and refuses what it would. */
export function readByFront(bytes: Buffer, { cut, parsers }: FrontReadOptions): ReadByFront {
  const requests: FramedRequest[] = [];
  for (let rest = bytes; ; ) {
    rest = withoutEmptyLines(rest);
    const headEnd = rest.indexOf(HEAD_END);
    if (headEnd === -1) return { requests, end: 'head missing' };
    const head = orRefusal(() => parsers.parseHead(rest.toString('latin1', 0, headEnd + EMPTY_LINE.length)));
    if (typeof head === 'string') return { requests, end: head };
    const coded = rest.subarray(headEnd + HEAD_END.length);
    const { text, after, end } =
      head.body.kind === 'chunked'
        ? readChunks(coded, { coding: parsers.makeCoding(), cut })
        : readLength(coded, head.body);
    const { method, target, rawHeaders } = head;
    requests.push({ method, target, rawHeaders, body: text, isWhole: after !== undefined });
    if (after === undefined) return { requests, end };
    if (!head.isPersistent) return { requests, end: 'closed' };
    rest = after;
  }
}

function withoutEmptyLines(bytes: Buffer): Buffer {
  let start = 0;
  while (bytes.toString('latin1', start, start + EMPTY_LINE.length) === EMPTY_LINE) start += EMPTY_LINE.length;
  return bytes.subarray(start);
}

function readLength(bytes: Buffer, framing: Exclude<BodyFraming, { kind: 'chunked' }>): ReadBody {
  const lengthBytes = framing.kind === 'length' ? framing.bytes : 0;
  const text = bytes.toString('latin1', 0, Math.min(lengthBytes, bytes.length));
  return { text, after: lengthBytes <= bytes.length ? bytes.subarray(lengthBytes) : undefined, end: 'body missing' };
}

function readChunks(
  bytes: Buffer,
  { coding, cut }: Pick<FrontReadOptions, 'cut'> & { readonly coding: ReturnType<FramingParsers['makeCoding']> },
): ReadBody {
  const pieces: Buffer[] = [];
  let position = 0;
  const refusal = orRefusal(() => {
    for (let count = 0; position < bytes.length && !coding.isAtEnd; count++) {
      const handed = bytes.subarray(position, position + (cut[count % cut.length] ?? 1));
      const rest = coding.decode(handed, (start, end) => pieces.push(handed.subarray(start, end)));
      position += handed.length - (rest?.length ?? 0);
    }
  });
  const text = Buffer.concat(pieces).toString('latin1');
  if (refusal !== undefined) return { text, after: undefined, end: refusal };
  return { text, after: coding.isAtEnd ? bytes.subarray(position) : undefined, end: 'body missing' };
}

/** Calls `parse`; where it throws what a client is to hear of, that it was refused, and how. */
function orRefusal<Value>(parse: () => Value): Value | `refused: ${string}` {
  try {
    return parse();
  } catch (error) {
    if (error instanceof S3Error && error.status !== 500) return `refused: ${error.code}`;
    throw error;
  }
}
