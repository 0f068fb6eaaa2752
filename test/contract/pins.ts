import { expect, test } from 'vitest';
import type { Metastore } from '../../src/stores/metastore.ts';
import { intendBlob, OPTIONS } from './drafts.ts';
import { type Fixture, openFixture, type Subject } from './subject.ts';

export function describePins(subject: Subject<Metastore>): void {
  test('what is queued at or after the time of a pin is not listed until the pin expires', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const startMs = clock.nowMs;
    const ids = await queueThree(fixture);
    const pin = { id: 'pin', sinceMs: startMs + 1000, expiresAtMs: startMs + 10_000 };
    await store.setPin(pin, OPTIONS);
    expect(await queue(fixture)).toEqual(ids.slice(0, 1));
    expect(await queue(fixture, { nowMs: pin.expiresAtMs - 1 })).toEqual(ids.slice(0, 1));
    expect(await queue(fixture, { nowMs: pin.expiresAtMs + 1 })).toHaveLength(3);
  });

  test('the oldest pin counts, a pin can be moved, and clearing it lets go', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const startMs = clock.nowMs;
    const ids = await queueThree(fixture);
    const expiresAtMs = startMs + 10_000;
    await store.setPin({ id: 'a', sinceMs: startMs, expiresAtMs }, OPTIONS);
    await store.setPin({ id: 'b', sinceMs: startMs + 2000, expiresAtMs }, OPTIONS);
    expect(await queue(fixture)).toEqual([]);
    await store.setPin({ id: 'a', sinceMs: startMs + 1000, expiresAtMs }, OPTIONS);
    expect(await queue(fixture)).toEqual(ids.slice(0, 1));
    await store.clearPin('a', OPTIONS);
    expect(new Set(await queue(fixture))).toEqual(new Set(ids.slice(0, 2)));
    await store.clearPin('b', OPTIONS);
    await store.clearPin('b', OPTIONS);
    expect(await queue(fixture)).toHaveLength(3);
  });

  test('a pin that was moved on in time does not expire at its old time', async () => {
    await using fixture = await openFixture(subject);
    const { store, clock } = fixture;
    const startMs = clock.nowMs;
    await queueThree(fixture);
    await store.setPin({ id: 'a', sinceMs: startMs, expiresAtMs: startMs + 10_000 }, OPTIONS);
    await store.setPin({ id: 'a', sinceMs: startMs, expiresAtMs: startMs + 20_000 }, OPTIONS);
    expect(await queue(fixture, { nowMs: startMs + 15_000 })).toEqual([]);
    expect(await queue(fixture, { nowMs: startMs + 20_001 })).toHaveLength(3);
  });
}

/** The ids of what can be reclaimed: all of it unless `change` says less. */
export async function queue(
  { store, clock }: Pick<Fixture<Metastore>, 'store' | 'clock'>,
  change: { beforeMs?: number; nowMs?: number; limit?: number } = {},
): Promise<readonly string[]> {
  const range = { beforeMs: Number.MAX_SAFE_INTEGER, nowMs: clock.nowMs, limit: 100, ...change };
  return (await store.listReclaimable(range, OPTIONS)).map(({ id }) => id);
}

/** Three blobs that were queued a second apart. */
async function queueThree({ store, clock }: Fixture<Metastore>): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = 0; index < 3; index++) {
    const blob = await intendBlob(store, 1);
    await store.abandonIntent(blob.id, OPTIONS);
    ids.push(blob.id);
    clock.advance(1000);
  }
  return ids;
}
