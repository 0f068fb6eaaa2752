import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { StoreError } from '../store.ts';
import type { Durability } from './durable-directory.ts';

/** The LMDB file of a directory; its lock file stands beside it. */
export const METADATA_FILE = 'metadata.mdb';

/** Address space that is reserved for the file, in bytes, and so its largest size; costs nothing until it is used. */
export const MAP_BYTES = 1024 ** 4;
/** The least that is tried where the process may not reserve as much. */
const MAP_BYTES_MIN = 1024 ** 3;
/** Processes and snapshots at one time. */
const READERS_MAX = 1024;
/** Tables: three of the directory, and those of some thirty regions. */
const TABLES_MAX = 512;
/** Access keys stand here: nobody else may read them. */
const FILE_MODE = 0o600;
/** The system's error number for "no memory", which is also "no address space". */
const ENOMEM = 12;

export interface EnvironmentOptions {
  readonly directory: string;
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
export function openEnvironment({ directory, durability, mapBytes }: EnvironmentOptions): RootDatabase<Buffer, Buffer> {
  for (let mapSize = mapBytes; ; mapSize /= 2) {
    // Not a literal in the call: two of the options are missing from the types of lmdb.
    const options = {
      path: join(directory, METADATA_FILE),
      overlappingSync: false,
      noSync: durability === 'relaxed',
      mapSize,
      maxReaders: READERS_MAX,
      maxDbs: TABLES_MAX,
      permissionsMode: FILE_MODE,
      encoding: 'binary' as const,
      keyEncoding: 'binary' as const,
    };
    try {
      return open<Buffer, Buffer>(options);
    } catch (error) {
      if (errorCode(error) === ENOMEM && mapSize / 2 >= MAP_BYTES_MIN) continue;
      throw new StoreError('unavailable', `The metadata in ${directory} cannot be opened: ${String(error)}`, {
        cause: error,
      });
    }
  }
}

/** The number LMDB or the system gave an error: negative for LMDB's own. */
export function errorCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}
