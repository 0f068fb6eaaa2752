import { expect, test } from 'vitest';
import { CassandraGateways } from './cassandra-gateways.ts';
import { surviveLosses } from './lose-nodes.ts';

/** Another one makes another run; a failed one is repeated with its own. */
const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Date.now() % 1_000_000);
const OPERATIONS = Number(process.env['PITHOS_TEST_OPERATIONS'] ?? 12_000);
/** For the starts, repairs and checks, and for the operations, in milliseconds. */
const timeout = 900_000 + 40 * OPERATIONS;
/** Gateways whose clocks are hours off, to both sides. */
const SKEWS_MS = [0, 3 * 3_600_000, -2 * 3_600_000];
/** Longer than both graces of the gateways: what a held one is doing is given up meanwhile. */
const PAUSE_MS = 25_000;
/** Nodes keep hints for so short a time that one that was away knows less than the others until it is repaired. */
const SETTINGS = { max_hint_window: '1s', phi_convict_threshold: 8 };

test('nodes killed in turn, held gateways and wrong clocks lose, tear and leak nothing', { timeout }, async () => {
  const replication = { class: 'SimpleStrategy', factor: 3 } as const;
  await using lab = await CassandraGateways.start({ nodes: 3, replication, skewsMs: SKEWS_MS, settings: SETTINGS });
  await surviveLosses(lab, { seed: SEED, operations: OPERATIONS, nodes: lab.cluster.nodes, pauseMs: PAUSE_MS });
});

test('a data centre that goes away and comes back takes nothing with it', async () => {
  const factors = new Map([
    ['dc1', 2],
    ['dc2', 1],
  ]);
  await using lab = await CassandraGateways.start({
    nodes: 3,
    dataCentres: 2,
    replication: { class: 'NetworkTopologyStrategy', factors },
    skewsMs: [0, -3_600_000],
    settings: SETTINGS,
  });
  const nodes = lab.cluster.nodes.filter(({ place }) => place.dataCentre === 'dc2');
  expect(nodes).toHaveLength(1);
  await surviveLosses(lab, { seed: SEED, operations: OPERATIONS / 5, nodes, pauseMs: 1_000 });
});
