import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ServeProcess, startServeProcess } from '../support/serve-process.ts';
import { Content } from './content.ts';
import { runFsck } from './inspect-directory.ts';
import { type S3Call, S3Client } from './s3-client.ts';
import { SmallDisk } from './small-disk.ts';
import { waitUntil } from './wait-until.ts';

const MIB = 1024 ** 2;
const DISK_BYTES = 64 * MIB;
/** Clients that fill the disk. */
const FILLERS = 8;
const INLINE_BYTES = 8 * 1024;
/** So long nothing small is taken before the disk counts as full: what was refused half-way has left by then. */
const FULL_FOR_MS = 2_000;
/** The server looks at its disk once a second; then deleted bytes rest, and then a job takes them away. */
const RECOVERY_MS_MAX = 60_000;
const RECLAIM_GRACE = { PITHOS_OPTIONS_RECLAIM_GRACE: '10s' };
/** No watermark: what is written meets the end of the disk itself. */
const NO_WATERMARK = { PITHOS_OPTIONS_DISK_FREE_MIN: '0' };
/** The key, and the number, of what is not taken. */
const REFUSED = 999_999;
const FULL = { status: 507, code: 'InsufficientStorage' };
const CLEAN = { exitCode: 0, output: expect.stringMatching(/^clean/) };

let disk: SmallDisk;
let directory: string;

beforeEach(async () => {
  disk = await SmallDisk.mount(DISK_BYTES);
  directory = `${disk.path}/data`;
});
afterEach(() => disk[Symbol.asyncDispose]());

describe('below the watermark', () => {
  test.each([
    ['files', MIB],
    ['metadata', INLINE_BYTES],
  ])('a disk full of %s refuses writes, reads and deletes go on, and it recovers by itself', async (_, sizeBytes) => {
    await using server = await startServeProcess({ directory, env: RECLAIM_GRACE });
    using s3 = await clientOf(server);
    const uploadId = /<UploadId>([^<]+)</.exec((await s3.ask(post('upload', 'uploads'))).text)?.[1] ?? '';
    const stored = await fill(server, sizeBytes);
    expect(stored.length).toBeGreaterThan((DISK_BYTES / sizeBytes) * 0.5);

    const body = { content: new Content(REFUSED, sizeBytes) };
    const [first = new Content(0, 0)] = stored;
    const refused: S3Call[] = [
      put(new Content(REFUSED, INLINE_BYTES)),
      put(new Content(REFUSED, 4 * MIB)),
      {
        method: 'PUT',
        path: '/bucket/upload',
        query: [
          ['partNumber', '1'],
          ['uploadId', uploadId],
        ],
        body,
      },
      { method: 'PUT', path: `/bucket/${REFUSED}`, headers: { 'x-amz-copy-source': `/bucket/${first.id}` } },
      post('other', 'uploads'),
    ];
    for (const call of refused) expect(await s3.ask(call)).toMatchObject(FULL);
    expect(await s3.ask({ method: 'GET', path: `/bucket/${REFUSED}` })).toMatchObject({
      status: 404,
      code: 'NoSuchKey',
    });
    await expectAll(s3, stored);
    expect(await s3.ask({ method: 'DELETE', path: '/bucket/upload', query: [['uploadId', uploadId]] })).toMatchObject({
      status: 204,
    });
    expect(await runFsck(directory)).toEqual(CLEAN);

    const [kept, ...rest] = stored;
    for (const { id } of rest) expect((await s3.ask({ method: 'DELETE', path: `/bucket/${id}` })).status).toBe(204);
    const written = new Content(REFUSED, sizeBytes);
    const isWritten = async () => (await s3.ask(put(written))).status === 200;
    await waitUntil('writes are accepted again', isWritten, { timeoutMs: RECOVERY_MS_MAX });
    await expectAll(s3, kept === undefined ? [written] : [kept, written]);
    expect(await runFsck(directory)).toEqual(CLEAN);
    expect(await server.stop()).toBe(0);
  });
});

describe('at the very end of the disk', () => {
  test('a body that does not fit is refused, leaves nothing, and a smaller one is taken at once', async () => {
    await using server = await startServeProcess({ directory, env: NO_WATERMARK });
    using s3 = await clientOf(server);
    await disk.takeAllBut(6 * MIB);
    const before = disk.freeBytes();
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await s3.ask(put(new Content(REFUSED, 32 * MIB)))).toMatchObject(FULL);
    }
    expect(before - disk.freeBytes()).toBeLessThan(MIB);
    await expectAll(s3, []);
    const fits = new Content(1, 2 * MIB);
    expect((await s3.ask(put(fits))).status).toBe(200);
    await disk.giveBack();
    const large = new Content(2, 32 * MIB);
    expect((await s3.ask(put(large))).status).toBe(200);
    await expectAll(s3, [fits, large]);
    expect(await runFsck(directory)).toEqual(CLEAN);
    expect(await server.stop()).toBe(0);
  });

  test('a commit that does not fit is refused, and the next one that does is made', async () => {
    await using server = await startServeProcess({ directory, env: NO_WATERMARK });
    using s3 = await clientOf(server);
    await disk.takeAllBut(2 * MIB);
    const [first, ...rest] = await fill(server, INLINE_BYTES);
    expect(rest.length).toBeGreaterThan(FILLERS);
    await expectAll(s3, first === undefined ? [] : [first, ...rest]);
    // Even a delete needs a few pages: where there are none, it says so.
    const deleted = await s3.ask({ method: 'DELETE', path: `/bucket/${first?.id}` });
    if (deleted.status !== 204) expect(deleted).toMatchObject(FULL);
    const kept = deleted.status === 204 || first === undefined ? rest : [first, ...rest];
    await expectAll(s3, kept);
    await disk.giveBack();
    const next = new Content(REFUSED, INLINE_BYTES);
    expect((await s3.ask(put(next))).status).toBe(200);
    await expectAll(s3, [...kept, next]);
    expect(await runFsck(directory)).toEqual(CLEAN);
    expect(await server.stop()).toBe(0);
  });
});

async function clientOf(server: ServeProcess): Promise<S3Client> {
  const s3 = new S3Client(server);
  expect((await s3.ask({ method: 'PUT', path: '/bucket' })).status).toBe(200);
  return s3;
}

/**
 * Stores objects of a size, from several clients, until all are refused, and then, for what was refused half-way has
 * left some space, small ones from one client. Returns those that were acknowledged.
 */
async function fill(server: ServeProcess, sizeBytes: number): Promise<Content[]> {
  const stored: Content[] = [];
  let nextId = 0;
  const run = async (bytes: number, fullForMs: number): Promise<void> => {
    using s3 = new S3Client(server);
    for (let takenAtMs = performance.now(); ; ) {
      const content = new Content(nextId++, bytes);
      const answer = await s3.ask(put(content));
      if (answer.status === 200) {
        stored.push(content);
        takenAtMs = performance.now();
        continue;
      }
      expect(answer).toMatchObject(FULL);
      if (performance.now() - takenAtMs >= fullForMs) return;
    }
  };
  await Promise.all(Array.from({ length: FILLERS }, () => run(sizeBytes, 0)));
  await run(INLINE_BYTES, FULL_FOR_MS);
  return stored;
}

/** The bucket holds these objects, byte for byte, and no others. */
async function expectAll(s3: S3Client, contents: readonly Content[]): Promise<void> {
  const listed: string[] = [];
  for (let after = ''; ; after = listed.at(-1) ?? '') {
    const { text } = await s3.ask({
      method: 'GET',
      path: '/bucket',
      query: [
        ['list-type', '2'],
        ['start-after', after],
      ],
    });
    listed.push(...[...text.matchAll(/<Contents><Key>([^<]+)</g)].map(([, key = '']) => key));
    if (text.includes('<IsTruncated>false<')) break;
  }
  expect(listed).toEqual(contents.map(({ id }) => String(id)).toSorted());
  for (const content of contents) {
    expect((await s3.ask({ method: 'GET', path: `/bucket/${content.id}`, expected: content })).status).toBe(200);
  }
}

function put(content: Content): S3Call {
  return { method: 'PUT', path: `/bucket/${content.id}`, body: { content } };
}

function post(key: string, subresource: string): S3Call {
  return { method: 'POST', path: `/bucket/${key}`, query: [[subresource, '']] };
}
