import { expect, test } from 'vitest';
import { cassandraKeys } from './cassandra-schema.ts';
import { CASSANDRA_KEYS, keysOfSection, SETTING_PATHS } from './setting-paths.ts';
import { keysKnownAt, settingPaths } from './settings.ts';

test('the paths of settings are those of the schema', () => {
  expect([...SETTING_PATHS].toSorted()).toEqual([...settingPaths()].toSorted());
});

test('the keys of Cassandra are those of the schema', () => {
  expect([...CASSANDRA_KEYS].toSorted()).toEqual(Object.keys(cassandraKeys).toSorted());
});

test.each(['service', 'logging', 'options'])('the keys of %s are those of the schema', (section) => {
  expect([...keysOfSection(section)].toSorted()).toEqual([...keysKnownAt([section])].toSorted());
});
