import {
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('PutObjectTagging replaces the tags of one version and leaves all else of it alone', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await server.client.send(new PutBucketVersioningCommand({ Bucket: name.Bucket, VersioningConfiguration }));
  const { VersionId } = await server.client.send(new PutObjectCommand({ ...name, Body: 'one', Tagging: 'a=1' }));
  await server.client.send(new PutObjectCommand({ ...name, Body: 'two', Tagging: 'b=2' }));
  const before = await server.client.send(new HeadObjectCommand({ ...name, VersionId }));
  const TagSet = [{ Key: 'c', Value: '3' }];
  const put = await server.client.send(new PutObjectTaggingCommand({ ...name, VersionId, Tagging: { TagSet } }));
  expect(put.VersionId).toBe(VersionId);
  const tagsOf = async (id: string | undefined) =>
    (await server.client.send(new GetObjectTaggingCommand({ ...name, VersionId: id }))).TagSet;
  expect(await tagsOf(VersionId)).toEqual(TagSet);
  expect(await tagsOf(undefined)).toEqual([{ Key: 'b', Value: '2' }]);
  const { $metadata: _, ...after } = await server.client.send(new HeadObjectCommand({ ...name, VersionId }));
  expect(before).toMatchObject(after);
});

test('PutObjectTagging of many clients at once leaves the tags of one of them, or says that it did not', async () => {
  const name = { Bucket: await server.newBucket(), Key: 'key' };
  await server.client.send(new PutObjectCommand(name));
  const put = (Value: string) =>
    server.client.send(new PutObjectTaggingCommand({ ...name, Tagging: { TagSet: [{ Key: 'who', Value }] } }));
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => put(String(index))));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.name] : []));
  expect(new Set([...failures, 'OperationAborted'])).toEqual(new Set(['OperationAborted']));
  expect(failures.length).toBeLessThan(20);
  expect((await server.client.send(new GetObjectTaggingCommand(name))).TagSet).toHaveLength(1);
});
