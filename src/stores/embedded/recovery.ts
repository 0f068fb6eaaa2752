import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { StoreError } from '../store.ts';
import { syncDirectory } from './durable-directory.ts';
import { MAP_BYTES, METADATA_FILE, openEnvironment, tableNames } from './environment.ts';
import { isMarked, markerPath } from './failure-marker.ts';
import { removeUnfinishedMetadata } from './metadata-file.ts';
import { WriteGate } from './write-gate.ts';

const COPY_SUFFIX = '.rewritten';
const LOCK_SUFFIX = '-lock';

/**
 * Checks a directory in which a commit failed, before any process opens it: a server that starts, with the directory
 * locked. Where none failed, it removes what an unfinished first start left, and ends at once.
 *
 * After a failed sync the system may take pages for written that are not, so what can be read says nothing about
 * the disk. The metadata are therefore written anew: copied, synced, read through, and put in the old file's place.
 * Blobs need nothing: none was acknowledged whose own sync had failed.
 * Throws `corrupt` where the metadata cannot be read through, `unavailable` where another process has them open;
 * the mark stays then. Costs the size of the metadata.
 */
export async function recoverDatabase({ directory }: { readonly directory: string }): Promise<'sound' | 'rewritten'> {
  await removeUnfinishedMetadata(directory);
  if (!isMarked(directory)) return 'sound';
  const path = join(directory, METADATA_FILE);
  const copyPath = path + COPY_SUFFIX;
  await rm(copyPath, { force: true });
  const environment = { directory, file: METADATA_FILE, durability: 'strict', mapBytes: MAP_BYTES } as const;
  const { gate, opened: original } = await WriteGate.open(directory, () => openEnvironment(environment));
  try {
    requireAlone(original, directory);
    await original.backup(copyPath, false);
    await requireSameRows(original, directory);
  } finally {
    await gate.close(() => original.close());
  }
  await syncFile(copyPath);
  await rename(copyPath, path);
  await rm(path + LOCK_SUFFIX, { force: true });
  await rm(copyPath + LOCK_SUFFIX, { force: true });
  await syncDirectory(directory);
  await rm(markerPath(directory));
  await syncDirectory(directory);
  return 'rewritten';
}

/** The lock table of LMDB names every process that has read. */
function requireAlone(root: RootDatabase<Buffer, Buffer>, directory: string): void {
  root.readerCheck();
  const pids = root
    .readerList()
    .split('\n')
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => !Number.isNaN(pid) && pid !== process.pid);
  if (pids.length === 0) return;
  throw new StoreError('unavailable', `Process ${pids.join(', ')} has ${directory} open: stop it, then start again.`);
}

/** Reads every row of the copy, and as many as the original has. */
async function requireSameRows(original: RootDatabase<Buffer, Buffer>, directory: string): Promise<void> {
  const file = METADATA_FILE + COPY_SUFFIX;
  const copy = openEnvironment({ directory, file, durability: 'strict', mapBytes: MAP_BYTES });
  try {
    const copied = countRows(copy);
    const expected = countRows(original);

    if (copied === expected) return;
    throw new StoreError('corrupt', `The metadata in ${directory} have ${expected} rows, and their copy ${copied}.`);
  } finally {
    await copy.close();
  }
}

/** Reads every row of every table. */
function countRows(root: RootDatabase<Buffer, Buffer>): number {
  let count = 0;
  for (const name of tableNames(root)) {
    const options = { name, encoding: 'binary', keyEncoding: 'binary' } as const;
    const table = root.openDB<Buffer, Buffer>(options);
    for (const _ of table.getRange({ start: Buffer.of(0) })) count++;
  }
  return count;
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}
