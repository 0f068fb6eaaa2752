import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { SYNC_CLASSES } from './disk-events.ts';
import { type Recording, recordLoad } from './recording.ts';
import { type Loss, replayCrashes } from './replay.ts';

/** Another one makes another run; a failed one is repeated with its own, as far as the load allows. */
const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const LOAD = { writers: 4, stepsEach: 25 };
/** `npm run crash` takes as many as there is time for. */
const POINTS = 240;
const FIRST_START_POINTS = 160;
/** Within so many points of a server that does not sync, a loss is found. */
const POINTS_TO_NOTICE = 100;

let home: TempDir;
let recording: Recording;
beforeAll(async () => {
  console.log(`PITHOS_TEST_SEED=${SEED}`);
  home = await makeTempDir();
  recording = await recordLoad(home.path, { ...LOAD, seed: SEED });
}, 120_000);
afterAll(() => home[Symbol.asyncDispose]());

describe('A power cut', () => {
  test('leaves all that was acknowledged and nothing else, whatever it keeps of what was not synced', async () => {
    expect(recording.history.length).toBeGreaterThan(LOAD.writers * LOAD.stepsEach * 0.8);
    const { losses, pointsCount, byWay } = await replayCrashes(recording, { points: POINTS, seed: SEED });
    expect(losses).toEqual([]);
    expect(pointsCount).toBeGreaterThan(POINTS * 0.9);
    expect(byWay.size).toBe(6);
  });

  test('of the first start leaves a directory that the next start opens', async () => {
    const firstAcknowledgedAt = recording.history[0]?.endedAt ?? 0n;
    const events = recording.events.filter(({ endedAt }) => endedAt < firstAcknowledgedAt);
    const { losses } = await replayCrashes({ ...recording, events }, { points: FIRST_START_POINTS, seed: SEED });
    expect(losses).toEqual([]);
  });

  test.each(SYNC_CLASSES)(
    'is noticed by this test within 100 points where the %s syncs are left out',
    async (leftOut) => {
      const { losses, pointsCount } = await replayCrashes(recording, { points: POINTS, seed: SEED, leftOut });
      expect(losses).toContainEqual(expect.objectContaining<Partial<Loss>>({ problems: expect.any(Array) }));
      expect(pointsCount).toBeLessThanOrEqual(POINTS_TO_NOTICE);
    },
  );
});
