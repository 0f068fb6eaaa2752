import { expect, test } from 'vitest';
import { startServeProcess } from '../support/serve-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { Content } from './content.ts';
import { MemoryWatch } from './memory-watch.ts';
import { type S3Call, S3Client, type S3Endpoint } from './s3-client.ts';

const MIB = 1024 ** 2;
const CLIENTS = 64;
const WORKERS = 2;
/** Length of the body that each client sends and reads back, in MiB; 1024 is what the product promises. */
const BODY_MIB = Number(process.env['PITHOS_TEST_MEMORY_MIB'] ?? 64);
/**
 * What all processes together may hold at any moment, in bytes: some 190 MiB before the first request, 32 MiB of buffers
 * that each worker keeps, two writes or two reads of 1 MiB for each client, and what V8 leaves lying until it collects.
 * Bodies that were held whole would be 4 GiB.
 */
const PEAK_BYTES_MAX = 768 * MIB;
/** How much more they may hold in the last quarter of a run than in the one before, in bytes. */
const GROWTH_BYTES_MAX = 64 * MIB;

test(`memory stays flat while ${CLIENTS} clients stream ${BODY_MIB} MiB each way`, async () => {
  await using directory = await makeTempDir();
  await using server = await startServeProcess({ directory: `${directory.path}/data`, workers: WORKERS });
  using s3 = new S3Client(server);
  expect((await s3.ask({ method: 'PUT', path: '/bucket' })).status).toBe(200);
  const contents = Array.from({ length: CLIENTS }, (_, id) => new Content(id, BODY_MIB * MIB));
  const path = ({ id }: Content): string => `/bucket/${id}`;
  await measure('up', server, () =>
    each(server, contents, (content) => ({ method: 'PUT', path: path(content), body: { content } })),
  );
  await measure('down', server, () =>
    each(server, contents, (content) => ({ method: 'GET', path: path(content), expected: content })),
  );

  async function measure(direction: string, watched: typeof server, run: () => Promise<void>): Promise<void> {
    using watch = new MemoryWatch(watched);
    const beforeBytes = watch.bytesNow();
    const beganAt = performance.now();
    await run();
    const seconds = (performance.now() - beganAt) / 1_000;
    const { peakBytes, thirdQuarterBytes, lastQuarterBytes } = watch.result();
    const mib = (bytes: number): string => (bytes / MIB).toFixed(0);
    console.log(
      `${CLIENTS} × ${BODY_MIB} MiB ${direction} in ${seconds.toFixed(0)} s: ${mib(beforeBytes)} MiB before, peak ` +
        `${mib(peakBytes)}, median of the third quarter ${mib(thirdQuarterBytes)}, of the last ${mib(lastQuarterBytes)}.`,
    );
    expect(peakBytes).toBeLessThan(PEAK_BYTES_MAX);
    expect(lastQuarterBytes).toBeLessThan(thirdQuarterBytes + GROWTH_BYTES_MAX);
  }
});

/** Sends one request for each content, all at once; each must be answered 200. */
async function each(
  server: S3Endpoint,
  contents: readonly Content[],
  callOf: (content: Content) => S3Call,
): Promise<void> {
  const run = async (content: Content): Promise<void> => {
    using s3 = new S3Client(server);
    const call = callOf(content);
    const { status, text } = await s3.ask(call);
    if (status !== 200) throw new Error(`${call.method} ${call.path} was answered ${status}: ${text}`);
  };
  await Promise.all(contents.map(run));
}
