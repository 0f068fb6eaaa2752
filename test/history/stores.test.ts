import { describe, expect, test } from 'vitest';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import { BROKEN_STORES } from './broken-stores.ts';
import { checkHistory } from './linearizable.ts';
import { StoreSubject } from './store-subject.ts';
import { recordHistory } from './workload.ts';

const WORKLOAD = { clients: 12, keys: ['a', 'b', 'c', 'd'], operations: 4_000, seed: 1 };

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
});
