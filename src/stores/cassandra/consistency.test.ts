import { describe, expect, test } from 'vitest';
import {
  CONSISTENCY_LEVELS,
  type ConsistencyLevel,
  copiesOf,
  type LevelsInUse,
  levelProblems,
  type Replication,
  replicationCql,
  type SerialLevel,
  survives,
} from './consistency.ts';

type Three = readonly [read: ConsistencyLevel, write: ConsistencyLevel, serial: SerialLevel];

const simple = (factor: number): Replication => ({ class: 'SimpleStrategy', factor });
const network = (factors: Readonly<Record<string, number>>): Replication => ({
  class: 'NetworkTopologyStrategy',
  factors: new Map(Object.entries(factors)),
});
const ONE = simple(1);
const THREE = network({ dc1: 3 });
const TWO_DCS = network({ dc1: 3, dc2: 3 });

function use([read, write, serial]: Three, replication: Replication, more: Partial<LevelsInUse> = {}): LevelsInUse {
  const levels = { read, write, serial };
  return {
    levels,
    replication,
    localDataCentre: 'dc1',
    isSingleDataCentre: false,
    isEventual: false,
    ...more,
  };
}

const SINGLE = { isSingleDataCentre: true };
const EVENTUAL = { isEventual: true };

describe('levels that keep the promises, and what they survive', () => {
  test.each<[levels: Three, replication: Replication, more: Partial<LevelsInUse>, survival: string]>([
    [['QUORUM', 'QUORUM', 'SERIAL'], ONE, {}, 'no copy of 1 may be lost'],
    [['ONE', 'ONE', 'SERIAL'], ONE, {}, 'no copy of 1 may be lost'],
    [['ONE', 'ALL', 'SERIAL'], ONE, {}, 'no copy of 1 may be lost'],
    [['LOCAL_QUORUM', 'LOCAL_QUORUM', 'SERIAL'], ONE, {}, 'no copy of 1 may be lost'],
    [['QUORUM', 'QUORUM', 'SERIAL'], simple(2), {}, 'no copy of 2 may be lost'],
    [['QUORUM', 'QUORUM', 'SERIAL'], THREE, {}, 'one of 3 copies may be lost'],
    [['TWO', 'TWO', 'SERIAL'], THREE, {}, 'one of 3 copies may be lost'],
    [['LOCAL_QUORUM', 'LOCAL_QUORUM', 'LOCAL_SERIAL'], THREE, {}, 'one of 3 copies may be lost'],
    [['LOCAL_QUORUM', 'QUORUM', 'SERIAL'], THREE, {}, 'one of 3 copies may be lost'],
    [['QUORUM', 'ALL', 'SERIAL'], THREE, {}, 'no copy of 3 may be lost'],
    [['ALL', 'QUORUM', 'SERIAL'], THREE, {}, 'no copy of 3 may be lost'],
    [['QUORUM', 'EACH_QUORUM', 'SERIAL'], THREE, {}, 'one of 3 copies may be lost'],
    [['QUORUM', 'QUORUM', 'SERIAL'], network({ dc1: 5 }), {}, '2 of 5 copies may be lost'],
    [['THREE', 'THREE', 'SERIAL'], network({ dc1: 5 }), {}, '2 of 5 copies may be lost'],
    [['QUORUM', 'QUORUM', 'SERIAL'], TWO_DCS, {}, '2 of 6 copies may be lost'],
    [['QUORUM', 'QUORUM', 'SERIAL'], TWO_DCS, SINGLE, '2 of 6 copies may be lost'],
    [['QUORUM', 'EACH_QUORUM', 'SERIAL'], TWO_DCS, {}, 'one of 6 copies may be lost'],
    [['LOCAL_QUORUM', 'EACH_QUORUM', 'SERIAL'], TWO_DCS, SINGLE, 'one of 3 copies may be lost'],
    [
      ['LOCAL_QUORUM', 'LOCAL_QUORUM', 'LOCAL_SERIAL'],
      TWO_DCS,
      SINGLE,
      'one of 3 copies may be lost, and every other data centre',
    ],
    [['LOCAL_QUORUM', 'QUORUM', 'SERIAL'], network({ dc1: 3, dc2: 1 }), SINGLE, 'one of 3 copies may be lost'],
    [['ONE', 'ANY', 'SERIAL'], THREE, EVENTUAL, 'EVENTUAL: writes may be lost and reads may be old'],
    [
      ['LOCAL_ONE', 'LOCAL_ONE', 'LOCAL_SERIAL'],
      TWO_DCS,
      EVENTUAL,
      'EVENTUAL: writes may be lost and reads may be old',
    ],
  ])('%j, %j, %j: %s', (levels, replication, more, survival) => {
    expect(levelProblems(use(levels, replication, more))).toEqual([]);
    expect(survives(use(levels, replication, more))).toBe(survival);
  });
});

describe('levels that do not keep the promises, and what is said of them', () => {
  test.each<[levels: Three, replication: Replication, more: Partial<LevelsInUse>, problem: string]>([
    [['ONE', 'ONE', 'SERIAL'], THREE, {}, 'Reads at ONE and writes at ONE need not meet in 3 copies: take QUORUM'],
    [['ONE', 'QUORUM', 'SERIAL'], THREE, {}, 'Reads at ONE and writes at QUORUM need not meet in 3 copies: take'],
    [['QUORUM', 'ANY', 'SERIAL'], THREE, {}, 'Reads at QUORUM and writes at ANY need not meet in 3 copies: take'],
    [['QUORUM', 'ANY', 'SERIAL'], ONE, {}, 'Reads at QUORUM and writes at ANY need not meet in 1 copy: take QUORUM'],
    [['TWO', 'TWO', 'SERIAL'], network({ dc1: 4 }), {}, 'Reads at TWO and writes at TWO need not meet in 4 copies'],
    [['ONE', 'ALL', 'SERIAL'], THREE, {}, 'Reads at ONE ask fewer than most copies'],
    [['ALL', 'ONE', 'SERIAL'], THREE, {}, 'Writes at ONE ask fewer than most copies'],
    [['LOCAL_ONE', 'ALL', 'SERIAL'], THREE, {}, 'Reads at LOCAL_ONE ask fewer than most copies'],
    [['LOCAL_QUORUM', 'QUORUM', 'SERIAL'], TWO_DCS, SINGLE, 'Reads at LOCAL_QUORUM and writes at QUORUM need not meet'],
    [['LOCAL_QUORUM', 'EACH_QUORUM', 'SERIAL'], TWO_DCS, {}, 'LOCAL_QUORUM sees one data centre only: take QUORUM'],
    [['QUORUM', 'QUORUM', 'LOCAL_SERIAL'], TWO_DCS, {}, 'LOCAL_SERIAL sees one data centre only: take QUORUM and'],
    [['QUORUM', 'QUORUM', 'LOCAL_SERIAL'], TWO_DCS, SINGLE, 'LOCAL_SERIAL does not go with writes at QUORUM: take'],
    [['LOCAL_QUORUM', 'LOCAL_QUORUM', 'SERIAL'], TWO_DCS, SINGLE, 'SERIAL does not go with writes at LOCAL_QUORUM'],
    [['ANY', 'ALL', 'SERIAL'], THREE, EVENTUAL, 'Reads cannot be made at ANY: take QUORUM.'],
    [['EACH_QUORUM', 'QUORUM', 'SERIAL'], THREE, {}, 'Reads cannot be made at EACH_QUORUM: take QUORUM.'],
    [['QUORUM', 'EACH_QUORUM', 'SERIAL'], simple(3), {}, 'Transactions cannot be written at EACH_QUORUM with Simple'],
    [['QUORUM', 'EACH_QUORUM', 'SERIAL'], simple(3), EVENTUAL, 'Transactions cannot be written at EACH_QUORUM with'],
    [['QUORUM', 'QUORUM', 'LOCAL_SERIAL'], simple(3), SINGLE, 'SimpleStrategy spreads copies over data centres'],
    [['QUORUM', 'QUORUM', 'SERIAL'], network({ dc2: 3 }), {}, 'The replication keeps no copy in the local data centre'],
    [['QUORUM', 'QUORUM', 'SERIAL'], network({}), {}, 'The replication keeps no copy at all: give at least one'],
  ])('%j, %j, %j: %s', (levels, replication, more, problem) => {
    const problems = levelProblems(use(levels, replication, more));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test('are each named once', () => {
    const problems = levelProblems(use(['LOCAL_QUORUM', 'LOCAL_QUORUM', 'LOCAL_SERIAL'], TWO_DCS));
    expect(problems.map((problem) => problem.split(' ', 1)[0])).toEqual(['LOCAL_QUORUM', 'LOCAL_SERIAL']);
  });
});

test('a level of one copy is taken by nobody who has several and keeps the promises', () => {
  for (const replication of [simple(3), THREE, TWO_DCS]) {
    for (const level of ['ANY', 'ONE', 'LOCAL_ONE'] as const) {
      for (const other of CONSISTENCY_LEVELS) {
        for (const more of [{}, SINGLE]) {
          expect(levelProblems(use([level, other, 'SERIAL'], replication, more))).not.toEqual([]);
          expect(levelProblems(use([other, level, 'SERIAL'], replication, more))).not.toEqual([]);
        }
      }
    }
  }
});

test('a replication counts its copies, and is written as CQL has it', () => {
  expect([ONE, THREE, TWO_DCS].map(copiesOf)).toEqual([1, 3, 6]);
  expect(replicationCql(ONE)).toBe(`{'class': 'SimpleStrategy', 'replication_factor': 1}`);
  expect(replicationCql(network({ dc1: 3, "it's": 2 }))).toBe(
    `{'class': 'NetworkTopologyStrategy', 'dc1': 3, 'it''s': 2}`,
  );
});
