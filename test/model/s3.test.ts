import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startWholeFront } from '../support/whole-front.ts';
import { attributeCalls } from './s3-attribute-calls.ts';
import { BROKEN_METASTORES } from './s3-broken-stores.ts';
import { bucketCalls, createBucket } from './s3-bucket-calls.ts';
import { BUCKETS } from './s3-choices.ts';
import { ClockCommand, type ModelCommand, S3Command } from './s3-command.ts';
import { configurationCalls } from './s3-configuration-calls.ts';
import { copyCalls } from './s3-copy-calls.ts';
import { deleteCalls } from './s3-delete-calls.ts';
import { listingCalls } from './s3-listing-calls.ts';
import { multipartCalls } from './s3-multipart-calls.ts';
import { ServerPair } from './s3-pair.ts';
import { readCalls } from './s3-read-calls.ts';
import { NaiveS3 } from './s3-state.ts';
import { uploadListingCalls } from './s3-upload-listing-calls.ts';
import { writeCalls } from './s3-write-calls.ts';

/** Runs within which each broken store is found: those in which the sound ones are as the model says. */
const FOUND_WITHIN = 40;
/** The runs of one seed are always the same; others are made by another seed. */
const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? 20_261_127);
const RUNS = Number(process.env['PITHOS_TEST_RUNS'] ?? FOUND_WITHIN);
/** What the clocks show when a run begins, so that a seed makes the same run at any time. */
const BEGIN_MS = Date.UTC(2026, 5, 15, 12, 0, 0, 250);
/** Requests of one run at most. */
const CALLS_MAX = 120;
const TIMEOUT_MS = 60_000 + RUNS * 5_000;

const CALLS = [
  ...[writeCalls, readCalls, deleteCalls, listingCalls, uploadListingCalls, copyCalls, multipartCalls],
  ...[attributeCalls, configurationCalls, bucketCalls],
].flat();
const command: fc.Arbitrary<ModelCommand> = fc.oneof(
  { weight: 19, arbitrary: fc.oneof(...CALLS).map((plan) => new S3Command(plan)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 5_000 }).map((ms) => new ClockCommand(ms)) },
);

const property = (servers: ServerPair) =>
  fc.asyncProperty(fc.commands([command], { maxCommands: CALLS_MAX, size: 'max' }), (run) =>
    fc.asyncModelRun(() => begin(servers), run),
  );

test(`${RUNS} runs of up to ${CALLS_MAX} requests are answered as the model says`, {
  timeout: TIMEOUT_MS,
}, async () => {
  await using embedded = await startWholeFront('embedded');
  await using memory = await startWholeFront('memory');
  const servers = new ServerPair({ embedded, memory });
  await fc.assert(property(servers), {
    seed: SEED,
    numRuns: RUNS,
    endOnFailure: process.env['PITHOS_TEST_SHRINK'] === undefined,
  });
  console.log(`${servers.requestsCount} requests (PITHOS_TEST_SEED=${SEED}).`);
  expect(servers.requestsCount).toBeGreaterThan(RUNS * 10);
});

test.each(Object.entries(BROKEN_METASTORES))('a metastore that %s is found', async (_, breakStore) => {
  await using broken = await startWholeFront('memory', {}, breakStore);
  const found = await fc.check(property(new ServerPair({ broken })), {
    ...{ seed: SEED, numRuns: FOUND_WITHIN, endOnFailure: true },
  });
  console.log(`Found in run ${found.numRuns}.`);
  expect(found.failed).toBe(true);
});

/** Two empty buckets, in the model and on both servers. */
async function begin(servers: ServerPair): Promise<{ readonly model: NaiveS3; readonly real: ServerPair }> {
  const model = new NaiveS3(BEGIN_MS);
  await servers.reset(model.nowMs);
  for (const bucket of BUCKETS) await servers.perform(createBucket(model, { bucket }));
  return { model, real: servers };
}
