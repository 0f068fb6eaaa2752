import { describe, expect, test } from 'vitest';
import { BROKEN_VARIANTS } from './broken-variants.ts';
import { type ProtocolRun, runProtocol } from './protocol-run.ts';
import { CALM, WILD } from './simulated-cluster.ts';

const RUN: ProtocolRun = {
  seed: 0,
  weather: WILD,
  gateways: 3,
  clients: 6,
  operations: 200,
  hasAccidents: true,
  keys: ['a', 'b', 'c', 'd'],
  hasTinyRanges: false,
};
const SEEDS = Array.from({ length: 15 }, (_, index) => index + 1);
/** Seeds within which a broken variant must be caught. */
const SEEDS_TO_CATCH = 200;
const TIMEOUT_MS = 300_000;

/**
 * The shipped protocols over simulated replicas. To see a failure again: its seed, in `runProtocol` with the same
 * run; everything else follows from it.
 */
describe('The protocols over simulated replicas', () => {
  test('keep every promise on a calm day', async () => {
    for (const seed of SEEDS) {
      const report = await runProtocol({ ...RUN, seed, weather: CALM, hasAccidents: false, isVersioned: true });
      expect(report.problems).toEqual([]);
    }
  });

  test.each([false, true])(
    'keep them with late, lost and repeated messages, held and ended processes (ranges are rewritten: %s)',
    async (hasTinyRanges) => {
      let operations = 0;
      for (const seed of SEEDS) {
        const report = await runProtocol({ ...RUN, seed, hasTinyRanges, isVersioned: seed % 2 === 0 });
        expect(report.problems).toEqual([]);
        operations += report.operations;
      }
      expect(operations).toBeGreaterThan(SEEDS.length * 200);
    },
    TIMEOUT_MS,
  );

  test(
    'keep them where a key soon forgets who wrote it',
    async () => {
      for (const seed of SEEDS) {
        const report = await runProtocol({
          ...RUN,
          seed,
          keys: ['a', 'b'],
          rememberedMax: 2,
          isVersioned: seed % 2 === 0,
        });
        expect(report.problems).toEqual([]);
      }
    },
    TIMEOUT_MS,
  );

  test('do the same again for the same seed', async () => {
    const [first, again, other] = [
      await runProtocol({ ...RUN, seed: 7 }),
      await runProtocol({ ...RUN, seed: 7 }),
      await runProtocol({ ...RUN, seed: 8 }),
    ];
    expect(again.operations).toBe(first.operations);
    expect(other.traceHash).not.toBe(first.traceHash);
  });

  test.each(Object.entries(BROKEN_VARIANTS))(
    'are found wanting when %s',
    async (_, variant) => {
      for (let seed = 1; seed <= SEEDS_TO_CATCH; seed++) {
        const report = await runProtocol({ ...RUN, seed, ...variant });
        if (report.problems.length > 0) return;
      }
      throw new Error(`${SEEDS_TO_CATCH} seeds did not show it.`);
    },
    TIMEOUT_MS,
  );
});
