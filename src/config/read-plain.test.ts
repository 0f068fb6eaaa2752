import { expect, test } from 'vitest';
import { readPlain } from './read-plain.ts';
import { configurationSchema } from './schema.ts';
import type { Tree } from './tree.ts';

const EMPTY = { service: {}, logging: {}, options: {}, cassandra: {}, keystore: {}, bucketstore: {}, regions: {} };

test.each<[string, Tree]>([
  ['nothing', {}],
  ['sections without settings', EMPTY],
  ['a directory', { ...EMPTY, options: { 'data-directory': './data' } }],
  ['addresses', { service: { host: '::', port: '0', 'admin-host': 'localhost', 'admin-port': 'off' } }],
  ['numbers', { service: { port: '65535', 'admin-port': '00', workers: '256', 'shutdown-grace': '1.5h' } }],
  ['a log', { logging: { level: 'fatal', format: 'json', console: 'false' } }],
  ['a level by another name', { logging: { level: 'off' } }],
  ['a mode', { options: { durability: 'relaxed' } }],
])('%s is read as the schema reads it', (_, tree) => {
  const read = readPlain(tree);
  expect(read).toBeDefined();
  expect(read).toEqual(configurationSchema.parse(tree));
});

test.each<[string, Tree]>([
  ['a setting with rules of its own', { options: { buckets: 'photos' } }],
  ['a setting of a store', { keystore: { use: 'memory' } }],
  ['a map where a text belongs', { service: { port: {} } }],
  ['a list where a section belongs', { service: [] }],
  ['a text where a section belongs', { regions: 'us-east-1' }],
  ['no tree of sections', 'text'],
  ['an unknown section', { services: {} }],
  ['an unknown setting', { service: { prot: '9000' } }],
  ['a name that every object has', { service: { constructor: 'x' }, toString: {} }],
  ['a port that is none', { service: { port: '65536' } }],
  ['an empty text', { service: { host: '' } }],
  ['a level that is none', { logging: { level: 'loud' } }],
  ['a level that every object has', { logging: { level: 'constructor' } }],
])('%s is left to the schema', (_, tree) => {
  expect(readPlain(tree)).toBeUndefined();
});
