import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { blobsOf } from '../inspect-directory.ts';
import { describeSoak } from './report.ts';
import { findGrowth } from './resources.ts';
import { runSoak, type SoakOptions, type SoakReport } from './soak.ts';

const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? Date.now() % 1_000_000);

test('a load with killed workers, a killed server, a stopped one and backups loses, tears and leaks nothing', async () => {
  await using directory = await makeTempDir();
  const report = await soak(directory, { loadMs: 12_000, roundMs: 6_000 });
  console.log(describeSoak(report));
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ serverKills: 1, serverStops: 1, backups: 2 });
  expect(Math.min(report.acknowledged, report.recorded, report.workerKills)).toBeGreaterThan(0);
});

test.each([
  ['metadata that falls back to an earlier moment', fallBack],
  ['a body that is gone', removeBody],
  ['a body with another byte', tearBody],
] as const)('%s after a load is found', async (_, damage) => {
  await using directory = await makeTempDir();
  const { problems } = await soak(directory, { loadMs: 3_000, roundMs: 3_000, damage });
  expect(problems).not.toEqual([]);
});

test('memory, files and disk space that grow from round to round are found', () => {
  const flat = { memoryBytes: 200e6, openFiles: 100, diskBytes: 500e6 };
  const rounds = Array.from({ length: 9 }, (_, index) => ({ ...flat, openFiles: 100 + 40 * index }));
  expect(findGrowth(rounds.map(() => flat))).toEqual([]);
  expect(findGrowth(rounds)).toEqual(['openFiles grew from 140 to 380.']);
});

function soak(directory: TempDir, options: Pick<SoakOptions, 'loadMs' | 'roundMs' | 'damage'>): Promise<SoakReport> {
  console.log(`Seed ${SEED} (PITHOS_TEST_SEED).`);
  const stop = new AbortController().signal;
  return runSoak({ ...options, directory: directory.path, seed: SEED, workers: 2, stop, onProgress: () => undefined });
}

/** As where syncs are lost: the metadata is that of the backup which was made under the load. */
async function fallBack(data: string): Promise<void> {
  const backup = join(data, '..', 'backup');
  const [metadata] = (await readdir(backup, { recursive: true })).filter((name) => name.endsWith('.mdb'));
  await rm(join(data, 'metadata.mdb-lock'), { force: true });
  await copyFile(join(backup, metadata ?? ''), join(data, 'metadata.mdb'));
}

async function removeBody(data: string): Promise<void> {
  await rm(await someBody(data));
}

async function tearBody(data: string): Promise<void> {
  const path = await someBody(data);
  const bytes = await readFile(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(path, bytes);
}

/** The file of a body that a version refers to. */
async function someBody(data: string): Promise<string> {
  const { referenced } = await blobsOf(data);
  const files = await readdir(join(data, 'blobs'), { recursive: true, withFileTypes: true });
  const file = files.find(({ name }) => referenced.has(name));
  if (file === undefined) throw new Error('No body lies in a file of its own.');
  return join(file.parentPath, file.name);
}
