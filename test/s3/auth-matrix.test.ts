import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OperationName, S3_MODEL } from '../../src/operations/s3-model.ts';
import { requestFor } from '../support/operation-request.ts';
import { type RawConnection, requestBytes } from '../support/raw-http.ts';
import {
  type KeyPair,
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
import { FORM_TYPE, type FormFields, formBody, signFormV2, signFormV4 } from '../support/sign-form.ts';
import { presignV2, signV2ByHeader } from '../support/sign-v2.ts';
import { ALICE, BUCKET, Front, type FrontOperations, tinyOperation } from '../support/start-front.ts';

/**
 * The class of CVE-2025-31489, CVE-2026-40344 and CVE-2026-41145: a way of authenticating, or of framing a body, that
 * some handler does not know reaches it without a check of the signature.
 */
const NAMES = Object.keys(S3_MODEL) as OperationName[];
const PLACEMENTS = [
  'none',
  'header',
  'query',
  'both',
  'header and the signature alone in the query',
  'SigV2 header',
  'SigV2 query',
  'SigV2 header and query',
  'SigV2 header and SigV4 query',
  'SigV4 header and the access key of SigV2 in the query',
] as const;
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
/** Parameters that select an operation and that SigV2 does not sign: no URL of it may hold them. */
const UNSIGNED_BY_V2: ReadonlySet<string> = new Set([
  ...['abac', 'annotation', 'annotationName', 'attributes', 'encryption', 'id', 'intelligent-tiering', 'legal-hold'],
  ...['metadataAnnotationTable', 'metadataConfiguration', 'metadataInventoryTable', 'metadataJournalTable'],
  ...[
    'metadataTable',
    'ownershipControls',
    'policyStatus',
    'publicAccessBlock',
    'renameObject',
    'retention',
    'session',
  ],
]);
const KEY_FIELD: FormFields = [['key', 'from-a-form']];
const FORGED = { ...ALICE, secretAccessKey: 'guessed' };
const REFUSALS = [400, 403, 501];
/** What else a form is told that is sent to no bucket. */
const FORM_REFUSALS = [...REFUSALS, 404, 405];

let front: Front;
let connection: RawConnection;
const reached: string[] = [];

beforeAll(async () => {
  const operations: FrontOperations = Object.fromEntries(
    NAMES.map((name) => [name, tinyOperation(name, { parse: () => void reached.push(name) })]),
  );
  front = await Front.start({ operations, settings: { sigV2: true } });
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

describe('a browser form', () => {
  const FORMS: readonly (readonly [string, (keys: KeyPair) => FormFields])[] = [
    ['signed by SigV4', (keys) => signFormV4(KEY_FIELD, formSigning(keys))],
    ['signed by SigV2', (keys) => signFormV2(KEY_FIELD, formSigning(keys))],
    ['signed by both', (keys) => signBoth(keys)],
    ['with a policy and no signature', (keys) => without(signFormV4(KEY_FIELD, formSigning(keys)), /^x-amz-sig/)],
    ['with the key alone', ({ accessKeyId }) => [...KEY_FIELD, ['AWSAccessKeyId', accessKeyId]]],
    ['with a signature and no policy', (keys) => without(signFormV4(KEY_FIELD, formSigning(keys)), /^policy/)],
    ['that is anonymous', () => KEY_FIELD],
  ];

  describe.each(FORMS)('%s', (_, fieldsOf) => {
    test.each(MODES)('and x-amz-content-sha256 %s, with a wrong secret, reaches no operation', async (mode) => {
      const body = formBody(fieldsOf(FORGED));
      for (const name of NAMES) {
        for (const placement of ['none', 'header', 'query', 'SigV2 header', 'SigV2 query'] as const) {
          const status = await statusOf(name, placement, mode, FORGED, { front, connection, form: body });
          expect(FORM_REFUSALS, `${name}, ${placement}: ${status}`).toContain(status);
        }
      }
      expect(reached).toEqual([]);
    });
  });

  test.each([
    ['SigV4', signFormV4],
    ['SigV2', signFormV2],
  ] as const)(
    'signed by %s with the right secret reaches PutObject, and nothing else whatever its query',
    async (_, sign) => {
      reached.length = 0;
      const body = formBody(sign(KEY_FIELD, formSigning(ALICE)));
      for (const name of NAMES) {
        if (S3_MODEL[name].target === 'bucket' && name !== 'CreateBucket') {
          expect([204, 400], name).toContain(
            await statusOf(name, 'none', UNSIGNED, ALICE, { front, connection, form: body }),
          );
        }
      }
      expect(new Set(reached)).toEqual(new Set(['PutObject']));
      reached.length = 0;
    },
  );

  test('signed by SigV4 with the right secret is refused beside any other signature', async () => {
    const form = formBody(signFormV4(KEY_FIELD, formSigning(ALICE)));
    for (const placement of ['header', 'query', 'SigV2 header', 'SigV2 query'] as const) {
      expect(await statusOf('ListObjects', placement, UNSIGNED, ALICE, { front, connection, form })).toBe(400);
    }
    expect(reached).toEqual([]);
  });
});

test('with the right secret every operation is reached, so that the tests above mean something', async () => {
  let refused = 0;
  for (const name of NAMES) {
    expect(await statusOf(name, 'header', sha256(BODY), ALICE), name).toBe(200);
    expect(await statusOf(name, 'query', UNSIGNED, ALICE), name).toBe(200);
    expect(await statusOf(name, 'none', UNSIGNED, ALICE), name).toBe(403);
    expect(await statusOf(name, 'both', sha256(BODY), ALICE), name).toBe(400);
    expect(await statusOf(name, 'SigV2 header', sha256(BODY), ALICE), name).toBe(200);
    const isUnsigned = requestFor(name, BUCKET).query.some(([parameter]) => UNSIGNED_BY_V2.has(parameter));
    expect(await statusOf(name, 'SigV2 query', UNSIGNED, ALICE), name).toBe(isUnsigned ? 403 : 200);
    if (isUnsigned) refused += 1;
    expect(await statusOf(name, 'SigV2 header', STREAMING_SIGNED, ALICE), name).toBe(403);
    expect(await statusOf(name, 'SigV2 header and query', sha256(BODY), ALICE), name).toBe(400);
    expect(await statusOf(name, 'SigV2 header and SigV4 query', sha256(BODY), ALICE), name).toBe(400);
  }
  expect(reached).toHaveLength(4 * NAMES.length - refused);
});

test('where SigV2 is off, the right secret is no use with it', async () => {
  reached.length = 0;
  const operations: FrontOperations = Object.fromEntries(
    NAMES.map((name) => [name, tinyOperation(name, { parse: () => void reached.push(name) })]),
  );
  await using strict = await Front.start({ operations });
  using other = await strict.connect();
  for (const name of NAMES) {
    for (const placement of ['SigV2 header', 'SigV2 query'] as const) {
      expect(await statusOf(name, placement, UNSIGNED, ALICE, { front: strict, connection: other }), name).toBe(400);
    }
  }
  expect(reached).toEqual([]);
});

async function statusOf(
  name: OperationName,
  placement: (typeof PLACEMENTS)[number],
  mode: string,
  keys: typeof ALICE | typeof FORGED,
  at: { readonly front: Front; readonly connection: RawConnection; readonly form?: Buffer } = { front, connection },
): Promise<number> {
  const asked = requestFor(name, name === 'CreateBucket' ? 'new-bucket' : BUCKET);
  const { path, query, headers } = asked;
  const method = at.form === undefined ? asked.method : 'POST';
  const body = at.form ?? Buffer.from(BODY);
  const framed = {
    ...headers,
    ...(at.form !== undefined && { 'content-type': FORM_TYPE }),
    host: at.front.host,
    'x-amz-content-sha256': mode,
    ...(mode.startsWith('STREAMING') && { 'x-amz-decoded-content-length': String(BODY.length) }),
    ...(mode.endsWith('TRAILER') && { 'x-amz-trailer': 'x-amz-checksum-crc32' }),
  };
  const context = { keys, atMs: at.front.clock.now };
  const request: SignableRequest = { method, path, query, headers: framed };
  const byHeader = () => signByHeader(request, mode, context).headers;
  const presigned = () => presign(request, { ...context, expiresSeconds: 60 }, mode);
  const byOldHeader = () => signV2ByHeader(request, context);
  const presignedOld = () => presignV2(request, { ...context, expiresSeconds: 60 });
  const [target, sent] = {
    none: () => [targetOf(path, query), framed] as const,
    header: () => [targetOf(path, query), byHeader()] as const,
    query: () => [presigned(), framed] as const,
    both: () => [presigned(), byHeader()] as const,
    'header and the signature alone in the query': () =>
      [targetOf(path, [...query, ['X-Amz-Signature', 'a'.repeat(64)]]), byHeader()] as const,
    'SigV2 header': () => [targetOf(path, query), byOldHeader()] as const,
    'SigV2 query': () => [presignedOld(), framed] as const,
    'SigV2 header and query': () => [presignedOld(), byOldHeader()] as const,
    'SigV2 header and SigV4 query': () => [presigned(), byOldHeader()] as const,
    'SigV4 header and the access key of SigV2 in the query': () =>
      [targetOf(path, [...query, ['AWSAccessKeyId', keys.accessKeyId]]), byHeader()] as const,
  }[placement]();
  const length = { 'content-length': String(body.length) };
  at.connection.send(requestBytes(`${method} ${target}`, { ...sent, ...length }, body));
  return (await at.connection.response(method)).status;
}

function formSigning(keys: KeyPair) {
  return { keys, atMs: front.clock.now, bucket: BUCKET };
}

function signBoth(keys: KeyPair): FormFields {
  const signed = signFormV4(KEY_FIELD, formSigning(keys));
  return [...signed, ...signFormV2(KEY_FIELD, formSigning(keys)).filter(([name]) => /^AWS|^signature/.test(name))];
}

function without(fields: FormFields, names: RegExp): FormFields {
  return fields.filter(([name]) => !names.test(name));
}

function targetOf(path: string, query: readonly (readonly [string, string])[]): string {
  return query.length === 0 ? path : `${path}?${queryText(query)}`;
}
