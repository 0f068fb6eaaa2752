import { describe, expect, test } from 'vitest';
import { changeOfShape, countUp } from './cluster.ts';
import { adviceFor, isJavaRecent, missingTools } from './fetch.ts';
import { type ClusterLayout, placeOf, settingsOf, tokensOf } from './node-files.ts';

const LAYOUT: ClusterLayout = {
  directory: '/cluster',
  jars: '/jars',
  firstAddress: '127.0.0.11',
  nodes: 4,
  dataCentres: 2,
  racks: 2,
  heap: '768M',
  commitLogSync: 'group',
  hasAuthentication: false,
  settings: { max_hint_window: '1s' },
  jvmArguments: [],
};

describe('The cluster for development and tests', () => {
  test('spreads its tokens evenly, each for one node', () => {
    const all = [0, 1, 2].flatMap((index) => tokensOf(index, 3).map((token) => ({ token: BigInt(token), index })));
    const ring = all.toSorted((a, b) => (a.token < b.token ? -1 : 1));
    expect(ring.map(({ index }) => index)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    const gaps = ring.slice(1).map(({ token }, place) => Number(token - (ring[place]?.token ?? 0n)));
    expect(Math.max(...gaps) / Math.min(...gaps)).toBeCloseTo(1);
  });

  test('gives each node an address, a port and a rack of its own, in data centres by turns', () => {
    const places = [1, 2, 3, 4].map((number) => placeOf(LAYOUT, number));
    expect(places.map(({ address }) => address)).toEqual(['127.0.0.11', '127.0.0.12', '127.0.0.13', '127.0.0.14']);
    expect(places.map(({ dataCentre, rack }) => `${dataCentre} ${rack}`)).toEqual([
      'dc1 rack1',
      'dc2 rack1',
      'dc1 rack2',
      'dc2 rack2',
    ]);
    expect(new Set(places.map(({ jmxPort }) => jmxPort)).size).toBe(4);
  });

  test('listens on its own address only, and takes settings over its own', () => {
    const settings = settingsOf(LAYOUT, placeOf(LAYOUT, 2));
    expect(settings).toMatchObject({
      listen_address: '127.0.0.12',
      rpc_address: '127.0.0.12',
      commitlog_sync: 'group',
      max_hint_window: '1s',
    });
  });

  test('counts the nodes that are up in what nodetool prints', () => {
    expect(countUp('UN  127.0.0.1  1\nDN  127.0.0.2  1\nUN  127.0.0.3  1\n')).toBe(2);
  });

  test.for([
    ['openjdk version "17.0.15" 2025-04-15', true],
    ['openjdk version "21" 2023-09-19', true],
    ['java version "11.0.2"', false],
    ['openjdk version "1.8.0_402"', false],
    ['', false],
  ] as const)('takes a Java that says %j: %j', ([text, isTaken]) => {
    expect(isJavaRecent(text)).toBe(isTaken);
  });

  test('keeps the shape that it was started with', () => {
    expect(changeOfShape(LAYOUT, { directory: '/cluster' })).toBeUndefined();
    expect(changeOfShape({}, LAYOUT)).toBeUndefined();
    expect(changeOfShape(LAYOUT, { directory: '/cluster', nodes: 4, heap: '2G' })).toBeUndefined();
    expect(changeOfShape(LAYOUT, { directory: '/cluster', nodes: 1 })).toBe(
      'The cluster in /cluster was started with nodes 4, not 1: start it without saying so, or wipe it first.',
    );
  });

  test('says in one sentence what to install where Java or Maven is missing', () => {
    const missing = missingTools((command) => command === 'java');
    expect(missing).toEqual(['mvn']);
    expect(adviceFor(missing)).toBe(
      'The tests on Apache Cassandra need Maven: install maven (Debian), or run npm run test:embedded without them.',
    );
    expect(adviceFor(missingTools(() => false))).toContain('Java 17 or later and Maven');
  });
});
