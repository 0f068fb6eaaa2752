import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { StoreError } from '../store.ts';
import type { Durability } from './durable-directory.ts';
import { allowedMapBytes, whyNotOpenable } from './openable.ts';

/** The LMDB file of a directory; its lock file stands beside it. */
export const METADATA_FILE = 'metadata.mdb';

/** Address space that is reserved for the file unless given, in bytes: costs nothing until it is used. */
export const MAP_BYTES = 1024 ** 4;
/** On every machine, so that keys of 1,024 bytes fit and one piece of an inline body fills a page. */
const PAGE_BYTES = 4096;
/** Processes and snapshots at one time. */
const READERS_MAX = 1024;
/** Tables: three of the directory, and those of some thirty regions. */
const TABLES_MAX = 512;
/** Access keys stand here: nobody else may read them. */
const FILE_MODE = 0o600;

export interface EnvironmentOptions {
  readonly directory: string;
  /** Its name there. */
  readonly file: string;
  readonly durability: Durability;
  readonly mapBytes: number;
}

/**
 * Opens the LMDB environment of a directory, with as much address space as the process may have.
 *
 * A commit is: data pages, `fdatasync`, then the meta page through a descriptor with O_DSYNC; only then can other
 * transactions and processes see it, and only then does its promise resolve. With `overlappingSync` it would be seen
 * before it is on stable storage, and another process could answer from what a power cut takes back.
 */
export function openEnvironment({
  directory,
  file,
  durability,
  mapBytes,
}: EnvironmentOptions): RootDatabase<Buffer, Buffer> {
  const path = join(directory, file);
  const obstacle = whyNotOpenable(path);
  if (obstacle !== undefined) throw new StoreError('unavailable', `${path} cannot be opened: ${obstacle}`);
  // Not a literal in the call: one of the options is missing from the types of lmdb.
  const options = {
    path,
    overlappingSync: false,
    // With it, a promise that nobody can see is rejected when a commit fails, and that ends the process.
    eventTurnBatching: false,
    noSync: durability === 'relaxed',
    mapSize: allowedMapBytes(mapBytes),
    pageSize: PAGE_BYTES,
    maxReaders: READERS_MAX,
    maxDbs: TABLES_MAX,
    permissionsMode: FILE_MODE,
    encoding: 'binary' as const,
    keyEncoding: 'binary' as const,
  };
  return open<Buffer, Buffer>(options);
}

/** The names of all tables of an environment; lmdb stores each with a zero behind it. */
export function tableNames(root: RootDatabase<Buffer, Buffer>): readonly string[] {
  return Array.from(root.getKeys({ start: Buffer.of(0) }), (key) => key.toString('utf8', 0, key.length - 1));
}

/** The number LMDB or the system gave an error: negative for LMDB's own. */
export function errorCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}
