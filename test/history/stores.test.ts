import { describe, expect, test } from 'vitest';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import { BROKEN_STORES } from './broken-stores.ts';
import { checkHistory } from './linearizable.ts';
import { StoreSubject } from './store-subject.ts';
import { recordHistory } from './workload.ts';

const WORKLOAD = { clients: 12, keys: ['a', 'b', 'c', 'd'], operations: 4_000, seed: 1 };

/**
 * Operations within which each broken store is caught, whatever the seed and however the machine's load shifts them in
 * time; a violation stays one as a history grows.
 */
const CAUGHT_WITHIN: Readonly<Record<string, number>> = {
  'checks before it writes': 10_000,
  'loses a sync': 10_000,
  'lists what was': 1_000,
  'reads a version that was replaced': 1_000,
};
const SEEDS = [1, 2, 3, 4, 5];

describe('Recorded histories', () => {
  test('of the memory metastore are linearizable', async () => {
    await using store = new MemoryMetastore({ nowMs: () => 0 });
    const entries = await recordHistory([new StoreSubject(store)], WORKLOAD);
    expect(entries.length).toBeGreaterThanOrEqual(WORKLOAD.operations);
    expect(checkHistory(entries)).toEqual({ kind: 'linearizable' });
  });

  test.each(Object.entries(BROKEN_STORES))('of a store that %s are not', async (_name, breakStore) => {
    await using store = new MemoryMetastore({ nowMs: () => 0 });
    const entries = await recordHistory([new StoreSubject(breakStore(store))], WORKLOAD);
    expect(checkHistory(entries).kind).toBe('violation');
  });

  test.each(Object.entries(BROKEN_STORES))('show a store that %s within its bound', async (name, breakStore) => {
    const operations = CAUGHT_WITHIN[name] ?? 0;
    for (const seed of SEEDS) {
      await using store = new MemoryMetastore({ nowMs: () => 0 });
      const entries = await recordHistory([new StoreSubject(breakStore(store))], { ...WORKLOAD, operations, seed });
      expect(checkHistory(entries).kind, `seed ${seed}`).toBe('violation');
    }
  });
});
