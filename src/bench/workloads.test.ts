import { expect, test } from 'vitest';
import { allWorkloads, selectWorkloads } from './workloads.ts';

const ALL = allWorkloads([1_000, 1_000_000]);

function select(...words: string[]) {
  const selected = selectWorkloads(ALL, words);
  return 'unknown' in selected ? selected : selected.map(({ name }) => name);
}

test('a word selects the workload of that name, or all whose names begin with it, each once and in one order', () => {
  expect(select('put-4k')).toEqual(['put-4k']);
  expect(select('get', 'put', 'put-1m')).toEqual([
    'put-4k',
    'get-4k',
    'put-64k',
    'get-64k',
    'put-1m',
    'get-1m',
    'put-64m',
    'get-64m',
  ]);
  expect(select('list-flat', 'multipart')).toEqual(['multipart', 'list-flat-1k', 'list-flat-1m']);
});

test('a word that selects nothing is told', () => {
  expect(select('put-4k', 'pu')).toEqual({ unknown: 'pu' });
});

test('all workloads have names of their own', () => {
  expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
});
