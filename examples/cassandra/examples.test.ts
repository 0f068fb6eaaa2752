import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../src/config/load.ts';

const here = (name: string): string => join(import.meta.dirname, name);

describe('The examples for Cassandra', () => {
  test.each(['one-node.yaml', 'three-nodes.yaml', 'two-data-centres.yaml'])('%s is a configuration', async (name) => {
    const { config } = await loadConfiguration({ file: here(name), environment: {}, flags: [] });
    expect(config.bucketstore.store.use).toBe('cassandra');
    for (const { metastore, storageClasses } of config.regions.values()) {
      expect(metastore.use).toBe('cassandra');
      for (const store of storageClasses.values()) expect(store.use).toBe('cassandra');
    }
  });
});
