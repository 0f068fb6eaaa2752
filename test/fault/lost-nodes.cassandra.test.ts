import { expect, test } from 'vitest';
import { CassandraGateways } from './cassandra-gateways.ts';
import { FORGETFUL, type Losses, PAUSE_MS, SKEWS_MS, surviveLosses } from './lose-nodes.ts';
import { describeLosses } from './soak/report.ts';

/** Another one makes another run; a failed one is repeated with its own. */
const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Date.now() % 1_000_000);
const OPERATIONS = Number(process.env['PITHOS_TEST_OPERATIONS'] ?? 12_000);
/** For the starts, repairs and checks, and for the operations, in milliseconds. */
const timeout = 900_000 + 40 * OPERATIONS;
test('nodes killed in turn, held gateways and wrong clocks lose, tear and leak nothing', { timeout }, async () => {
  const replication = { class: 'SimpleStrategy', factor: 3 } as const;
  await using lab = await CassandraGateways.start({ nodes: 3, replication, skewsMs: SKEWS_MS, settings: FORGETFUL });
  await survive(lab, { operations: OPERATIONS, nodes: lab.cluster.nodes, pauseMs: PAUSE_MS });
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
    settings: FORGETFUL,
  });
  const nodes = lab.cluster.nodes.filter(({ place }) => place.dataCentre === 'dc2');
  expect(nodes).toHaveLength(1);
  await survive(lab, { operations: OPERATIONS / 5, nodes, pauseMs: 1_000 });
});

async function survive(
  lab: CassandraGateways,
  losses: Pick<Losses, 'operations' | 'nodes' | 'pauseMs'>,
): Promise<void> {
  console.log(`Seed ${SEED} (PITHOS_TEST_SEED).`);
  const report = await surviveLosses(lab, { ...losses, seed: SEED, onProgress: (step) => console.log(step) });
  console.log(describeLosses(report));
  expect(report.problems).toEqual([]);
}
