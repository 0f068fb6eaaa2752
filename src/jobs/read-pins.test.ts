import { expect, test } from 'vitest';
import { intendBlob, OPTIONS } from '../../test/contract/drafts.ts';
import { TestClock } from '../../test/contract/subject.ts';
import { MemoryMetastore } from '../stores/memory/metastore.ts';
import { PIN_AFTER_MS, PIN_EXPIRES_MS } from '../stores/read-pins.ts';
import { ProcessReadPins } from './read-pins.ts';
import { RECLAIM_GRACE_MS } from './reclaim.ts';

test('a short read needs no pin', async () => {
  const { meta, clock, pins } = makePins();
  const read = pins.begin(meta);
  clock.advance(PIN_AFTER_MS / 4);
  await pins.update(OPTIONS);
  expect(meta.pinsCount).toBe(0);
  read[Symbol.dispose]();
});

test('what was deleted while a long read runs is kept from reclaim until the read has ended', async () => {
  const { meta, clock, pins } = makePins();
  const read = pins.begin(meta);
  const { id } = await intendBlob(meta, clock.nowMs);
  await meta.abandonIntent(id, OPTIONS);
  for (let elapsedMs = 0; elapsedMs < 10 * RECLAIM_GRACE_MS; elapsedMs += 1_000) {
    clock.advance(1_000);
    await pins.update(OPTIONS);
    expect(await reclaimable()).toEqual([]);
  }
  read[Symbol.dispose]();
  await pins.update(OPTIONS);
  expect(await reclaimable()).toEqual([id]);
  expect(meta.pinsCount).toBe(0);

  async function reclaimable() {
    const range = { beforeMs: clock.nowMs - RECLAIM_GRACE_MS, nowMs: clock.nowMs, limit: 10 };
    return (await meta.listReclaimable(range, OPTIONS)).map((blob) => blob.id);
  }
});

test('the pin moves on with the oldest of the reads that still run', async () => {
  const { meta, clock, pins } = makePins();
  const first = pins.begin(meta);
  const firstMs = clock.nowMs;
  clock.advance(PIN_AFTER_MS);
  pins.begin(meta);
  const secondMs = clock.nowMs;
  clock.advance(PIN_AFTER_MS);
  await pins.update(OPTIONS);
  expect(meta.lastPin?.sinceMs).toBeLessThanOrEqual(firstMs);
  first[Symbol.dispose]();
  await pins.update(OPTIONS);
  expect(meta.lastPin?.sinceMs).toBeGreaterThan(firstMs - PIN_EXPIRES_MS);
  expect(meta.lastPin?.sinceMs).toBeLessThanOrEqual(secondMs);
  await pins.clear(OPTIONS);
  expect(meta.pinsCount).toBe(0);
});

test('a pin that could not be stored is stored at the next time', async () => {
  const { meta, clock, pins } = makePins();
  pins.begin(meta);
  clock.advance(PIN_AFTER_MS);
  const failure = new Error('the store is away');
  meta.failure = failure;
  await expect(pins.update(OPTIONS)).rejects.toBe(failure);
  meta.failure = undefined;
  await pins.update(OPTIONS);
  expect(meta.pinsCount).toBe(1);
});

/** A metastore that tells what pins it has, and may fail to take one. */
class PinsMetastore extends MemoryMetastore {
  readonly pins = new Map<string, { readonly sinceMs: number }>();
  failure: Error | undefined;

  get pinsCount(): number {
    return this.pins.size;
  }

  get lastPin(): { readonly sinceMs: number } | undefined {
    return [...this.pins.values()].at(-1);
  }

  override async setPin(...[pin, options]: Parameters<MemoryMetastore['setPin']>): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await super.setPin(pin, options);
    this.pins.set(pin.id, pin);
  }

  override async clearPin(...[id, options]: Parameters<MemoryMetastore['clearPin']>): Promise<void> {
    await super.clearPin(id, options);
    this.pins.delete(id);
  }
}

function makePins() {
  const clock = new TestClock();
  const nowMs = (): number => clock.nowMs;
  return { clock, meta: new PinsMetastore({ nowMs }), pins: new ProcessReadPins(nowMs) };
}
