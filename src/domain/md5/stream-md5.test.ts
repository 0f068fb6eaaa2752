import { createHash, hash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { LANES, Md5Lanes, SLOT_BYTES } from './md5-lanes.ts';
import { createStreamMd5, Md5Streams, md5Of, type StreamMd5 } from './stream-md5.ts';

const NOISE = randomBytes(8 * SLOT_BYTES);
/** Lengths around the ends of blocks, of their padding and of slots. */
const EDGES = [
  0,
  1,
  55,
  56,
  57,
  63,
  64,
  65,
  119,
  120,
  121,
  127,
  128,
  SLOT_BYTES - 9,
  SLOT_BYTES - 8,
  SLOT_BYTES - 1,
].concat([SLOT_BYTES, SLOT_BYTES + 1, SLOT_BYTES + 55, SLOT_BYTES + 56, 2 * SLOT_BYTES, 3 * SLOT_BYTES + 7]);

/** Noise that no other body has at its start. */
function noise(index: number, lengthBytes: number): Uint8Array {
  return NOISE.subarray(index, index + lengthBytes);
}

test.each(EDGES)('the MD5 of %i bytes is what node:crypto makes of them', async (lengthBytes) => {
  const bytes = noise(0, lengthBytes);
  const streams = new Md5Streams(must(Md5Lanes.make()));
  expect((await streams.md5Of(bytes)).toString('hex')).toBe(hash('md5', bytes));
  expect((await md5Of(bytes)).toString('hex')).toBe(hash('md5', bytes));
});

test.each([1, 2, 3, 4, 5, 7, LANES, LANES + 1, 2 * LANES, 5 * LANES])(
  '%i streams that end in one turn get each its own MD5',
  async (count) => {
    const bodies = Array.from({ length: count }, (_, index) => noise(index, 10_000));
    const md5s = await Promise.all(bodies.map(md5Of));
    expect(md5s.map((md5) => md5.toString('hex'))).toEqual(bodies.map((bytes) => hash('md5', bytes)));
  },
);

test('streams of every length at once get each its own MD5', async () => {
  const bodies = EDGES.map((lengthBytes, index) => noise(index, lengthBytes));
  const md5s = await Promise.all(bodies.map(md5Of));
  expect(md5s.map((md5) => md5.toString('hex'))).toEqual(bodies.map((bytes) => hash('md5', bytes)));
});

describe('streams whose pieces come in any order', () => {
  const steps = fc.array(
    fc.record({
      stream: fc.nat({ max: 3 * LANES }),
      pieceBytes: fc.oneof(
        fc.nat({ max: 200 }),
        fc.nat({ max: 3 * SLOT_BYTES }),
        fc.constantFrom(64, SLOT_BYTES - 1, SLOT_BYTES, SLOT_BYTES + 1),
      ),
      next: fc.constantFrom('go on', 'go on', 'go on', 'turn', 'end', 'end and await', 'abandon', 'close'),
    }),
    { maxLength: 120, size: 'max' },
  );

  test('get each its own MD5, whichever are abandoned', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const streams = new Md5Streams(must(Md5Lanes.make()));
        using _other = streams.open();
        const open = new Map<number, Pair>();
        const ended: Promise<void>[] = [];
        for (const [index, { stream, pieceBytes, next }] of all.entries()) {
          const pair = open.get(stream) ?? new Pair(streams.open());
          open.set(stream, pair);
          pair.update(noise(index, pieceBytes));
          if (next === 'turn') await new Promise(setImmediate);
          if (next === 'abandon') open.delete(stream);
          if (next === 'close') pair.close();
          if (next !== 'end' && next !== 'end and await') continue;
          open.delete(stream);
          const end = pair.end();
          if (next === 'end') ended.push(end);
          else await end;
        }
        for (const pair of open.values()) ended.push(pair.end());
        await Promise.all(ended);
      }),
      { numRuns: 150 },
    );
  });
});

test('the bytes may be changed as soon as they were handed in', async () => {
  const bytes = Buffer.from(noise(0, 100_000));
  const expected = hash('md5', bytes);
  const md5 = md5Of(bytes);
  bytes.fill(0);
  expect((await md5).toString('hex')).toBe(expected);
});

test('a stream with much waiting is told to wait, until the end of the turn, unless it is the only one', async () => {
  const other = createStreamMd5();
  using md5 = createStreamMd5();
  expect(md5.update(noise(0, 1_000))).toBeUndefined();
  let isHashed = false;
  const hashed = md5.update(noise(0, 64 * 1024))?.then(() => {
    isHashed = true;
  });
  expect(hashed).toBeDefined();
  await new Promise(setImmediate);
  expect(isHashed).toBe(true);
  other[Symbol.dispose]();
  other[Symbol.dispose]();
  for (let index = 0; index < 10; index += 1) expect(md5.update(noise(0, 64 * 1024))).toBeUndefined();
});

test('a stream that is alone when it opens never waits, whoever comes after it', async () => {
  const streams = new Md5Streams(must(Md5Lanes.make()));
  using md5 = streams.open();
  using _other = streams.open();
  expect(md5.update(noise(0, 200_000))).toBeUndefined();
  expect((await md5.digest()).toString('hex')).toBe(hash('md5', noise(0, 200_000)));
});

test('a stream that opens soon after two were open waits for others, as they did, and later waits for none', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const streams = new Md5Streams(must(Md5Lanes.make()));
  const open = () => streams.open();
  for (const stream of [open(), open()]) stream[Symbol.dispose]();
  vi.advanceTimersByTime(999);
  const soon = open();
  const other = open();
  expect(soon.update(noise(0, 64 * 1024))).toBeDefined();
  expect((await soon.digest()).toString('hex')).toBe(hash('md5', noise(0, 64 * 1024)));
  for (const stream of [soon, other]) stream[Symbol.dispose]();
  vi.advanceTimersByTime(1_000);
  using later = open();
  using _last = open();
  expect(later.update(noise(0, 64 * 1024))).toBeUndefined();
});

test('a stream that does not wait is hashed all the same, once', async () => {
  using _other = createStreamMd5();
  using md5 = createStreamMd5();
  const expected = createHash('md5');
  for (let index = 0; index < 9; index += 1) {
    void md5.update(noise(index, 64 * 1024 + index));
    expected.update(noise(index, 64 * 1024 + index));
  }
  expect((await md5.digest()).toString('hex')).toBe(expected.digest('hex'));
});

test("bodies that come whole are hashed beside one another and beside streams, and are the caller's again at once", async () => {
  using stream = createStreamMd5();
  using beside = createStreamMd5();
  void stream.update(noise(0, 100_000));
  void beside.update(noise(1, 100_000));
  const lengths = Array.from({ length: 3 * LANES }, (_, index) => 16_384 + 2_047 * index);
  const digests = lengths.map((lengthBytes, index) => {
    const bytes = Buffer.from(noise(index, lengthBytes));
    const digest = md5Of(bytes);
    bytes.fill(0);
    return digest;
  });
  const expected = lengths.map((lengthBytes, index) => hash('md5', noise(index, lengthBytes)));
  expect((await Promise.all(digests)).map((digest) => digest.toString('hex'))).toEqual(expected);
  expect((await stream.digest()).toString('hex')).toBe(hash('md5', noise(0, 100_000)));
  expect((await beside.digest()).toString('hex')).toBe(hash('md5', noise(1, 100_000)));
});

test('streams that are abandoned hold up none that come after them', async () => {
  const streams = new Md5Streams(must(Md5Lanes.make()));
  for (let index = 0; index < 10 * LANES; index += 1) void streams.open().update(noise(index, 5_000));
  const md5 = streams.open();
  void md5.update(noise(0, 5_000));
  expect((await md5.digest()).toString('hex')).toBe(hash('md5', noise(0, 5_000)));
});

test('a digest comes by the end of the turn, however few others there are', async () => {
  const there: string[] = [];
  const md5 = md5Of(noise(0, 1_000)).then((bytes) => there.push(bytes.toString('hex')));
  await new Promise(setImmediate);
  expect(there).toEqual([hash('md5', noise(0, 1_000))]);
  await md5;
});

test('a short body waits for others where one came just before it, and else for nothing', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  await md5Of(noise(0, 2_048));
  vi.advanceTimersByTime(1);
  const there: string[] = [];
  const note = (name: string, lengthBytes: number) => md5Of(noise(0, lengthBytes)).then(() => there.push(name));
  const first = note('first', 16 * 1024 - 1);
  const second = note('second', 4_096);
  vi.advanceTimersByTime(1);
  const third = note('third', 4_096);
  const long = note('long', 16 * 1024);
  const tiny = note('tiny', 2_047);
  await Promise.all([first, third, tiny]);
  expect(there).toEqual(['first', 'third', 'tiny']);
  await Promise.all([second, long]);
});

test('where WebAssembly cannot be had each stream is hashed alone, and nothing fails', async () => {
  vi.resetModules();
  vi.stubGlobal('WebAssembly', undefined);
  const alone: typeof import('./stream-md5.ts') = await import('./stream-md5.ts');
  const md5 = alone.createStreamMd5();
  expect(md5.update(noise(0, 300_000))).toBeUndefined();
  expect((await md5.digest()).toString('hex')).toBe(hash('md5', noise(0, 300_000)));
  expect((await alone.md5Of(noise(0, 30_000))).toString('hex')).toBe(hash('md5', noise(0, 30_000)));
  vi.unstubAllGlobals();
});

/** A stream beside one of node:crypto that gets the same bytes. */
class Pair {
  readonly #md5: StreamMd5;
  readonly #expected = createHash('md5');

  constructor(md5: StreamMd5) {
    this.#md5 = md5;
  }

  update(bytes: Uint8Array): void {
    this.#expected.update(bytes);
    // What comes back to the caller may be used again at once.
    const lent = Buffer.from(bytes);
    void this.#md5.update(lent);
    lent.fill(0xaa);
  }

  /** Others may no longer count on it; it goes on all the same. */
  close(): void {
    this.#md5[Symbol.dispose]();
  }

  async end(): Promise<void> {
    expect((await this.#md5.digest()).toString('hex')).toBe(this.#expected.digest('hex'));
  }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('This processor has no vectors for WebAssembly.');
  return value;
}
