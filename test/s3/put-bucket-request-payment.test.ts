import { GetBucketRequestPaymentCommand, PutBucketRequestPaymentCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOB } from '../support/start-front.ts';
import { startTestServer } from '../support/start-server.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

test('PutBucketRequestPayment changes who pays, and back', async () => {
  await using server = await startTestServer();
  const Bucket = await server.newBucket();
  for (const Payer of ['Requester', 'BucketOwner'] as const) {
    const RequestPaymentConfiguration = { Payer };
    await server.client.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }));
    expect((await server.client.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer).toBe(Payer);
  }
  const RequestPaymentConfiguration = { Payer: 'Nobody' as 'Requester' };
  const put = server.client.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }));
  await expect(put).rejects.toMatchObject({ name: 'MalformedXML' });
});

describe('where requesters pay', () => {
  const payer = { 'x-amz-request-payer': 'requester' };
  let whole: WholeFront;
  let path: string;
  let source: string;

  beforeAll(async () => {
    whole = await startWholeFront('memory');
    const bucket = await whole.newBucket();
    path = `/${bucket}/key`;
    source = path;
    await whole.ok({ method: 'PUT', path, body: 'body', headers: { 'x-amz-acl': 'public-read' } });
    const body = '<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>';
    await whole.ok({ method: 'PUT', path: `/${bucket}`, query: [['requestPayment', '']], body });
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  test('others must say that they know, and hear that they were charged', async () => {
    expect(await whole.codeOf({ path, keys: BOB })).toBe('403 AccessDenied');
    const read = await whole.ok({ path, keys: BOB, headers: payer });
    expect(read.headers.get('x-amz-request-charged')).toBe('requester');
  });

  test('nobody in particular cannot pay', async () => {
    expect(await whole.codeOf({ path, keys: undefined })).toBe('403 AccessDenied');
    expect(await whole.codeOf({ path, keys: undefined, headers: payer })).toBe('403 AccessDenied');
  });

  test('the owner pays as ever, whatever the header says', async () => {
    for (const headers of [{}, payer]) {
      const read = await whole.ok({ path, headers });
      expect(read.headers.has('x-amz-request-charged')).toBe(false);
    }
  });

  test('the source of a copy is paid for too', async () => {
    const target = `/${await whole.newBucket(BOB)}/copy`;
    const headers = { 'x-amz-copy-source': source };
    expect(await whole.codeOf({ method: 'PUT', path: target, keys: BOB, headers })).toBe('403 AccessDenied');
    await whole.ok({ method: 'PUT', path: target, keys: BOB, headers: { ...headers, ...payer } });
  });

  test('another payer than the requester is refused', async () => {
    const headers = { 'x-amz-request-payer': 'somebody' };
    expect(await whole.codeOf({ path, headers })).toBe('400 InvalidArgument');
  });
});
