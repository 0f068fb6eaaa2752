import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient, tryClient } from './client.ts';
import { type Pithos, startPithos } from './pithos.ts';

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

/** S3 wants the digest to be signed; older releases of curl do not send it by themselves. */
const signed = (...args: string[]): readonly string[] => [
  '-sS',
  '--fail-with-body',
  ...['--aws-sigv4', 'aws:amz:us-east-1:s3'],
  ...['-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'],
  ...args,
];
const run = () => ({ cwd: pithos.folder, env: pithos.env });
const user = () => ['--user', `${pithos.accessKeyId}:${pithos.secretAccessKey}`];
const curl = (...args: string[]): Promise<string> => runClient('curl', signed(...user(), ...args), run());

describe("curl's --aws-sigv4", () => {
  test('makes a bucket, stores a file, reads a range of it, lists it, and deletes both', async () => {
    const bucket = `${pithos.endpoint}/curl-bucket`;
    await writeFile(join(pithos.folder, 'ten.txt'), '0123456789');
    await curl('-X', 'PUT', bucket);
    await curl('-T', 'ten.txt', '-H', 'x-amz-meta-color: blue', `${bucket}/a/k%20%2B%C3%BC.txt`);
    expect(await curl('-r', '2-4', `${bucket}/a/k%20%2B%C3%BC.txt`)).toBe('234');
    expect(await curl('-I', `${bucket}/a/k%20%2B%C3%BC.txt`)).toMatch(/^x-amz-meta-color: blue\r$/m);
    expect(await curl(`${bucket}?list-type=2&prefix=a%2F`)).toContain('<Key>a/k +ü.txt</Key>');
    await curl('-X', 'DELETE', `${bucket}/a/k%20%2B%C3%BC.txt`);
    await curl('-X', 'DELETE', bucket);
    const gone = await tryClient('curl', signed(...user(), bucket), run());
    expect(gone).toMatchObject({ exitCode: 22, stdout: expect.stringContaining('<Code>NoSuchBucket</Code>') });
  });

  test('is refused with a wrong secret', async () => {
    const args = signed('--user', `${pithos.accessKeyId}:wrong`, `${pithos.endpoint}/`);
    const refused = await tryClient('curl', args, run());
    expect(refused).toMatchObject({ exitCode: 22, stdout: expect.stringContaining('SignatureDoesNotMatch') });
  });
});
