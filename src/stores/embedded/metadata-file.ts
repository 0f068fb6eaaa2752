import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Durability, syncDirectory } from './durable-directory.ts';
import { METADATA_FILE, openEnvironment } from './environment.ts';
import { fileError, systemCode } from './system-error.ts';

const LOCK_SUFFIX = '-lock';
/** Between them stand digits of no meaning. */
const [ASIDE_PREFIX, ASIDE_SUFFIX] = [`${METADATA_FILE}.`, '.new'] as const;
/** As much as an empty file needs, in bytes. */
const ASIDE_MAP_BYTES = 1024 ** 2;
/** What a file system says that has no hard links. */
const NO_LINKS: readonly (string | undefined)[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Makes the LMDB file of a directory where there is none: aside, synced, and then put in its place as a whole.
 *
 * LMDB itself writes the first two pages in place and syncs them later: a power cut between leaves a file that it
 * refuses from then on. Of processes that start at the same moment one makes the file that all use. Where the file
 * system has no hard links, LMDB makes it. Throws `storage-full`, `unavailable`.
 */
export async function makeMetadataFile(directory: string, durability: Durability): Promise<void> {
  const path = join(directory, METADATA_FILE);
  if (existsSync(path)) return;
  const file = ASIDE_PREFIX + randomBytes(8).toString('hex') + ASIDE_SUFFIX;
  const aside = join(directory, file);
  await openEnvironment({ directory, file, durability, mapBytes: ASIDE_MAP_BYTES }).close();
  try {
    if (durability === 'strict') await syncFile(aside);
    await link(aside, path);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EEXIST' && !NO_LINKS.includes(code)) throw fileError(`make ${path}`, error);
  } finally {
    await rm(aside, { force: true });
    await rm(aside + LOCK_SUFFIX, { force: true });
  }
  if (durability === 'strict') await syncDirectory(directory);
}

/** Removes what a process left that ended while it made the file. Not for use while a process may open the directory. */
export async function removeUnfinishedMetadata(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const isAside = name.startsWith(ASIDE_PREFIX) && /\.new(-lock)?$/.test(name);
    if (isAside) await rm(join(directory, name), { force: true });
  }
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}
