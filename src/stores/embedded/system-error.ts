import { lstat } from 'node:fs/promises';
import { StoreError } from '../store.ts';

/** What the system says when no byte more may be written. */
const FULL_CODES: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT'];

/** What it says of a link that is not followed, and of pipes, sockets and directories that are read like files. */
const NO_FILE_CODES: readonly (string | undefined)[] = ['ELOOP', 'ENXIO', 'ESPIPE', 'EISDIR'];

/** The code of an error of the system, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether it failed since what has the name is no file. */
export function isNoFile(error: unknown): boolean {
  return NO_FILE_CODES.includes(systemCode(error));
}

/** What a failed call of the file system means for the caller of a store: nothing was acknowledged. */
export function fileError(action: string, error: unknown): StoreError {
  const kind = FULL_CODES.includes(systemCode(error)) ? 'storage-full' : 'unavailable';
  return new StoreError(kind, `Cannot ${action}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

/** What a failed call of the file system means, as `fileError`; any other error, such as an abort, as it is. */
export function asFileError(action: string, error: unknown): unknown {
  return error instanceof Error && 'syscall' in error ? fileError(action, error) : error;
}

/** The length of a file in bytes, or `undefined` where there is none; what is no file, but a pipe or a link, is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    const found = await lstat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw fileError(`look at ${path}`, error);
  }
}
