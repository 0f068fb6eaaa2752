import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { blobsOf } from '../inspect-directory.ts';
import { describeSoak } from './report.ts';
import { findGrowth } from './resources.ts';
import { runSoak, type SoakOptions, type SoakReport } from './soak.ts';

const SEED = Number(process.env['PITHOS_TEST_SEED'] ?? 20_261_127);

test('a load with killed workers, a killed server, a stopped one and backups loses, tears and leaks nothing', async () => {
  await using directory = await makeTempDir();
  const report = await soak(directory, { rounds: 2, roundMs: 6_000 });
  console.log(describeSoak(report));
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ serverKills: 1, serverStops: 1, backups: 2 });
  expect(Math.min(report.acknowledged, report.entries, report.workerKills)).toBeGreaterThan(0);
});

test.each([
  ['metadata that falls back to an earlier moment', fallBack, /must hold|is not there|fits no write/],
  ['a body that is gone', removeBody, /missing/],
  ['a body with another byte', tearBody, /is not what was written|corrupt/],
] as const)('%s after a load is found', async (_, damage, sentence) => {
  await using directory = await makeTempDir();
  const { rounds, problems } = await soak(directory, { rounds: 1, roundMs: 3_000, damage });
  expect(rounds).toHaveLength(1);
  expect(problems.join('\n')).toMatch(sentence);
});

test.each([
  ['memoryBytes', 40e6],
  ['openFiles', 40],
  ['diskBytes', 200e6],
] as const)('%s that grow from round to round are found', (name, growth) => {
  const flat = { memoryBytes: 200e6, openFiles: 100, diskBytes: 500e6 };
  const rounds = Array.from({ length: 9 }, (_, index) => ({ ...flat, [name]: flat[name] + growth * index }));
  expect(findGrowth(rounds.map(() => flat))).toEqual([]);
  expect(findGrowth(rounds)).toEqual([expect.stringContaining(`${name} grew from`)]);
});

function soak(directory: TempDir, options: Pick<SoakOptions, 'rounds' | 'roundMs' | 'damage'>): Promise<SoakReport> {
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
