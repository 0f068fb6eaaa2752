import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OperationName, S3_MODEL } from '../../src/operations/s3-model.ts';
import { requestFor } from '../support/operation-request.ts';
import { type RawConnection, requestBytes } from '../support/raw-http.ts';
import {
  presign,
  queryText,
  type SignableRequest,
  STREAMING_SIGNED,
  STREAMING_SIGNED_TRAILER,
  STREAMING_UNSIGNED_TRAILER,
  sha256,
  signByHeader,
  UNSIGNED,
} from '../support/sign.ts';
import { ALICE, BUCKET, Front, type FrontOperations, tinyOperation } from '../support/start-front.ts';

/**
 * The class of CVE-2025-31489, CVE-2026-40344 and CVE-2026-41145: a way of authenticating, or of framing a body, that
 * some handler does not know reaches it without a check of the signature.
 */
const NAMES = Object.keys(S3_MODEL) as OperationName[];
const PLACEMENTS = ['none', 'header', 'query', 'both', 'header and the signature alone in the query'] as const;
const BODY = 'hello';
const MODES = [
  sha256(BODY),
  UNSIGNED,
  STREAMING_SIGNED,
  STREAMING_SIGNED_TRAILER,
  STREAMING_UNSIGNED_TRAILER,
  'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD',
  'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD',
];
const FORGED = { ...ALICE, secretAccessKey: 'guessed' };
const REFUSALS = [400, 403, 501];

let front: Front;
let connection: RawConnection;
const reached: string[] = [];

beforeAll(async () => {
  const operations: FrontOperations = Object.fromEntries(
    NAMES.map((name) => [name, tinyOperation(name, { parse: () => void reached.push(name) })]),
  );
  front = await Front.start({ operations });
  connection = await front.connect();
});

afterAll(async () => {
  connection[Symbol.dispose]();
  await front[Symbol.asyncDispose]();
});

describe.each(PLACEMENTS)('with a wrong secret and credentials in: %s', (placement) => {
  test.each(MODES)('x-amz-content-sha256 %s reaches no operation', async (mode) => {
    for (const name of NAMES) {
      const status = await statusOf(name, placement, mode, FORGED);
      expect(REFUSALS, `${name} answered ${status}`).toContain(status);
    }
    expect(reached).toEqual([]);
  });
});

test('with the right secret every operation is reached, so that the tests above mean something', async () => {
  for (const name of NAMES) {
    expect(await statusOf(name, 'header', sha256(BODY), ALICE), name).toBe(200);
    expect(await statusOf(name, 'query', UNSIGNED, ALICE), name).toBe(200);
    expect(await statusOf(name, 'none', UNSIGNED, ALICE), name).toBe(403);
    expect(await statusOf(name, 'both', sha256(BODY), ALICE), name).toBe(400);
  }
  expect(reached).toHaveLength(2 * NAMES.length);
});

async function statusOf(
  name: OperationName,
  placement: (typeof PLACEMENTS)[number],
  mode: string,
  keys: typeof ALICE | typeof FORGED,
): Promise<number> {
  const { method, path, query, headers } = requestFor(name, name === 'CreateBucket' ? 'new-bucket' : BUCKET);
  const framed = {
    ...headers,
    host: front.host,
    'x-amz-content-sha256': mode,
    ...(mode.startsWith('STREAMING') && { 'x-amz-decoded-content-length': String(BODY.length) }),
    ...(mode.endsWith('TRAILER') && { 'x-amz-trailer': 'x-amz-checksum-crc32' }),
  };
  const context = { keys, atMs: front.clock.now };
  const request: SignableRequest = { method, path, query, headers: framed };
  const byHeader = () => signByHeader(request, mode, context).headers;
  const presigned = () => presign(request, { ...context, expiresSeconds: 60 }, mode);
  const [target, sent] = {
    none: () => [targetOf(path, query), framed] as const,
    header: () => [targetOf(path, query), byHeader()] as const,
    query: () => [presigned(), framed] as const,
    both: () => [presigned(), byHeader()] as const,
    'header and the signature alone in the query': () =>
      [targetOf(path, [...query, ['X-Amz-Signature', 'a'.repeat(64)]]), byHeader()] as const,
  }[placement]();
  const length = { 'content-length': String(BODY.length) };
  connection.send(requestBytes(`${method} ${target}`, { ...sent, ...length }, Buffer.from(BODY)));
  return (await connection.response(method)).status;
}

function targetOf(path: string, query: readonly (readonly [string, string])[]): string {
  return query.length === 0 ? path : `${path}?${queryText(query)}`;
}
