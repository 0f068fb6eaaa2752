import { createHash, hash, randomBytes } from 'node:crypto';
import { createStreamMd5, md5Of } from '../src/domain/md5/stream-md5.ts';

/**
 * MD5 of several bodies at once, as `node:crypto` and as the lanes compute it, in MB/s over all of them: bodies that
 * stream in pieces of 64 KiB, and short ones that are there as a whole. The first line says what making the lanes takes.
 *
 *   node bench/md5.ts
 */
const STREAMS = [1, 2, 3, 4, 6, 8, 16];
const PIECE_BYTES = 64 * 1024;
const PIECES = 256;
const WHOLE_BYTES = [4, 8, 16, 32, 64].map((kib) => kib * 1024);
const WHOLES = 2_000;
const ROUNDS = 5;
/** More pieces than fit in the cache that the lanes use. */
const BODIES = Array.from({ length: 64 }, () => randomBytes(PIECE_BYTES));

const startMs = performance.now();
await md5Of(BODIES[0] ?? Buffer.alloc(0));
console.log(`first use: ${(performance.now() - startMs).toFixed(1)} ms`);

console.log('streams of 64 KiB pieces   native    lanes');
for (const streams of STREAMS) {
  const totalBytes = streams * PIECES * PIECE_BYTES;
  const native = await best(totalBytes, () => Promise.all(times(streams, streamNatively)));
  const lanes = await best(totalBytes, () => Promise.all(times(streams, streamInLanes)));
  console.log(row(`${streams}`, native, lanes));
}

console.log('whole bodies, 8 at once    native    lanes');
for (const wholeBytes of WHOLE_BYTES) {
  const bodies = BODIES.slice(0, 8).map((body) => body.subarray(0, wholeBytes));
  const totalBytes = WHOLES * bodies.length * wholeBytes;
  const native = await best(totalBytes, async () => {
    for (let count = 0; count < WHOLES; count += 1) for (const body of bodies) hash('md5', body, 'buffer');
  });
  const lanes = await best(totalBytes, async () => {
    for (let count = 0; count < WHOLES; count += 1) await Promise.all(bodies.map(md5Of));
  });
  console.log(row(`${wholeBytes / 1024} KiB`, native, lanes));
}

async function streamNatively(first: number): Promise<void> {
  const md5 = createHash('md5');
  for (let piece = 0; piece < PIECES; piece += 1) {
    md5.update(bodyOf(first + piece));
    await undefined;
  }
  md5.digest();
}

async function streamInLanes(first: number): Promise<void> {
  using md5 = createStreamMd5();
  for (let piece = 0; piece < PIECES; piece += 1) await md5.update(bodyOf(first + piece));
  await md5.digest();
}

function bodyOf(index: number): Uint8Array {
  return BODIES[index % BODIES.length] ?? Buffer.alloc(0);
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** The most MB/s of some rounds. */
async function best(totalBytes: number, run: () => Promise<unknown>): Promise<number> {
  let most = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const beginMs = performance.now();
    await run();
    most = Math.max(most, totalBytes / 1000 / (performance.now() - beginMs));
  }
  return most;
}

function row(name: string, native: number, lanes: number): string {
  const ratio = (lanes / native).toFixed(2);
  return `${name.padEnd(24)}${native.toFixed(0).padStart(9)}${lanes.toFixed(0).padStart(9)}   × ${ratio}`;
}
