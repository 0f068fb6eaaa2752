import { type CORSRule, GetBucketCorsCommand, PutBucketCorsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const RULE: CORSRule = { AllowedMethods: ['GET'], AllowedOrigins: ['https://*.example.com'] };

test('PutBucketCors keeps every setting of every rule', async () => {
  const Bucket = await server.newBucket();
  const CORSRules: CORSRule[] = [
    RULE,
    {
      ID: 'größe',
      AllowedHeaders: ['x-amz-*', 'content-type'],
      AllowedMethods: ['PUT', 'POST', 'DELETE', 'HEAD'],
      AllowedOrigins: ['*', 'null'],
      ExposeHeaders: ['ETag', 'x-amz-meta-a'],
      MaxAgeSeconds: 3000,
    },
  ];
  await server.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
  expect((await server.client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules).toEqual(CORSRules);
});

test.each<[string, CORSRule[], string]>([
  ['no rules', [], 'MalformedXML'],
  ['no origin', [{ ...RULE, AllowedOrigins: [] }], 'MalformedXML'],
  ['no method', [{ ...RULE, AllowedMethods: [] }], 'MalformedXML'],
  ['a method that S3 has not', [{ ...RULE, AllowedMethods: ['PATCH'] }], 'InvalidRequest'],
  ['two wildcards in an origin', [{ ...RULE, AllowedOrigins: ['*a*'] }], 'InvalidRequest'],
  ['two wildcards in a header', [{ ...RULE, AllowedHeaders: ['*a*'] }], 'InvalidRequest'],
  ['a wildcard in an exposed header', [{ ...RULE, ExposeHeaders: ['x-*'] }], 'InvalidRequest'],
  ['an exposed header that would be two', [{ ...RULE, ExposeHeaders: ['a: b\r\nset-cookie: x'] }], 'InvalidRequest'],
  ['an ID of 256 characters', [{ ...RULE, ID: 'i'.repeat(256) }], 'InvalidRequest'],
  ['a negative age', [{ ...RULE, MaxAgeSeconds: -1 }], 'InvalidRequest'],
  ['101 rules', Array<CORSRule>(101).fill(RULE), 'InvalidRequest'],
  ['more than 64 KiB', [{ ...RULE, AllowedOrigins: [`https://${'x'.repeat(64 * 1024)}`] }], 'MaxMessageLengthExceeded'],
])('PutBucketCors refuses %s', async (_, CORSRules, name) => {
  const Bucket = await server.newBucket();
  const put = server.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
  await expect(put).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } });
});
