import { checksumOf } from '../../../src/domain/digests.ts';
import { type OperationName, S3_MODEL } from '../../../src/operations/s3-model.ts';
import {
  awsChunked,
  presign,
  queryText,
  STREAMING_SIGNED,
  STREAMING_SIGNED_TRAILER,
  STREAMING_UNSIGNED_TRAILER,
  sha256,
  signByHeader,
  UNSIGNED,
} from '../../support/sign.ts';
import { ALICE, NOW_MS } from '../../support/start-front.ts';
import { IMPLEMENTED } from '../../support/whole-front.ts';
import type { Dice } from '../dice.ts';
import { BODIES, HEADERS, QUERY } from '../targets/operations.ts';
import { FUZZED_BUCKET, KEPT, KEPT_BUCKET, SERVER_HOST } from './names.ts';

const CONTEXT = { keys: ALICE, atMs: NOW_MS };
const OPERATIONS: readonly OperationName[] = [...IMPLEMENTED.keys()];
const KEYS = ['key', 'a/b', 'missing'];
const STREAMING = [STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER];
const CHECKSUM = 'x-amz-checksum-crc32';

interface Draft {
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  /** One character a byte. */
  readonly body: string;
}

/** A whole request as it goes on the wire, one character a byte: well-formed HTTP, and mostly right as S3 too. */
export function makeRequest(dice: Dice): string {
  const kind = dice.next();
  if (kind < 0.3) return signed(dice, readOf(dice));
  if (kind < 0.5) return streamed(dice);
  if (kind < 0.6)
    return signed(dice, { ...plain('PUT', `/${FUZZED_BUCKET}/${dice.pick(KEYS)}`), body: dice.bytes(300) });
  return signed(dice, operationOf(dice));
}

/** A read of what is known: its answer tells which request it belongs to. */
function readOf(dice: Dice): Draft {
  const read = plain(dice.chance(0.85) ? 'GET' : 'HEAD', `/${KEPT_BUCKET}/${dice.pick([...KEPT.keys()])}`);
  return dice.chance(0.2) ? { ...read, headers: { range: `bytes=${dice.below(100)}-${dice.below(300)}` } } : read;
}

/** Any operation that there is, with what selects it and a few parameters more. */
function operationOf(dice: Dice): Draft {
  const { method, target, literals, required } = S3_MODEL[dice.pick(OPERATIONS)];
  const path = { service: '/', bucket: `/${FUZZED_BUCKET}`, object: `/${FUZZED_BUCKET}/${dice.pick(KEYS)}` }[target];
  const query = new Map<string, string>(Object.entries(literals));
  const headers: Record<string, string> = {};
  const add = (place: string) => {
    const [where, name = ''] = place.split(':');
    if (where === 'query') query.set(name, dice.pick(QUERY[name] ?? ['']));
    else headers[name] = dice.pick(HEADERS[name] ?? ['a']);
  };
  for (const place of required) add(place);
  for (const name of dice.some(2, () => dice.pick(Object.keys(QUERY)))) add(`query:${name}`);
  for (const name of dice.some(2, () => dice.pick(Object.keys(HEADERS)))) add(`header:${name}`);
  const body = method === 'PUT' || method === 'POST' ? dice.pick(BODIES) : '';
  return { method, path, query: [...query], headers, body };
}

/** Signed over its body or not, by header or as a URL, or by nobody; framed by a length or in chunks. */
function signed(dice: Dice, draft: Draft): string {
  const { method, path, query, body } = draft;
  const framed = frame(dice, body);
  const headers = { host: SERVER_HOST, ...framed.headers, ...draft.headers };
  const how = dice.next();
  if (how < 0.1) {
    const request = { method, path, query, headers, signedHeaders: ['host'] };
    return wire(`${method} ${presign(request, { ...CONTEXT, expiresSeconds: 60 })}`, headers, framed.bytes);
  }
  const target = query.length === 0 ? path : `${path}?${queryText(query)}`;
  if (how < 0.15) return wire(`${method} ${target}`, headers, framed.bytes);
  const hash = dice.chance(0.6) ? sha256(Buffer.from(body, 'latin1')) : UNSIGNED;
  return wire(
    `${method} ${target}`,
    signByHeader({ method, path, query, headers }, hash, CONTEXT).headers,
    framed.bytes,
  );
}

/** A put or a part in `aws-chunked` framing, its chunks signed or not, with a trailer or without. */
function streamed(dice: Dice): string {
  const mode = dice.pick(STREAMING);
  const chunks = dice.some(4, () => Buffer.from(dice.bytes(120), 'latin1')).filter(({ length }) => length > 0);
  const whole = Buffer.concat(chunks);
  const hasTrailer = mode !== STREAMING_SIGNED;
  const path = `/${FUZZED_BUCKET}/${dice.pick(KEYS)}`;
  const request = {
    method: 'PUT',
    path,
    headers: {
      host: SERVER_HOST,
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(whole.length),
      ...(hasTrailer ? { 'x-amz-trailer': CHECKSUM } : {}),
    },
  };
  const { headers, seed } = signByHeader(request, mode, CONTEXT);
  const trailers = hasTrailer ? [[CHECKSUM, checksumOf('CRC32', whole)] as const] : undefined;
  const signing = mode === STREAMING_UNSIGNED_TRAILER ? {} : { seed };
  const framed = frame(dice, awsChunked({ chunks, trailers, ...signing }, CONTEXT).toString('latin1'));
  return wire(`PUT ${path}`, { ...headers, ...framed.headers }, framed.bytes);
}

function frame(
  dice: Dice,
  body: string,
): { readonly headers: Readonly<Record<string, string>>; readonly bytes: string } {
  const expectation = body !== '' && dice.chance(0.1) ? { expect: '100-continue' } : {};
  if (body === '' && dice.chance(0.9)) return { headers: {}, bytes: '' };
  if (dice.chance(0.75)) return { headers: { 'content-length': String(body.length), ...expectation }, bytes: body };
  const chunks: string[] = [];
  for (let at = 0; at < body.length; ) {
    const piece = body.slice(at, at + 1 + dice.below(200));
    chunks.push(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    at += piece.length;
  }
  return { headers: { 'transfer-encoding': 'chunked', ...expectation }, bytes: `${chunks.join('')}0\r\n\r\n` };
}

function plain(method: string, path: string): Draft {
  return { method, path, query: [], headers: {}, body: '' };
}

function wire(line: string, headers: Readonly<Record<string, string>>, body: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}
