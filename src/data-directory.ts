import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity, parseIdentity, thisProcess } from './observe/process-identity.ts';

/** Version of the layout of a data directory; a directory with a greater one is refused. */
const FORMAT = 1;
const FORMAT_FILE = 'format';
const LOCK_PREFIX = 'lock-';
const UNFINISHED = '.new';
/** Names that a fresh file system may have. */
const IGNORED = new Set(['lost+found', '.DS_Store']);
/** What is wrong with a data directory, in one sentence for the user. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/**
 * Makes the data directory, for nobody but this user, or checks that it is one this version knows.
 * Throws `DataDirectoryError`.
 */
export async function prepareDataDirectory(directory: string): Promise<void> {
  await attempt(directory, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if ((await readFormat(directory)) !== undefined) return;
    const names = (await readdir(directory)).filter((name) => !IGNORED.has(name) && !name.endsWith(UNFINISHED));
    if (names.length > 0) {
      throw new DataDirectoryError(`${directory} is not empty and is no data directory of Pithos: name another one.`);
    }
    await writeDurably(join(directory, FORMAT_FILE), `pithos ${FORMAT}\n`);
  });
}

/** Checks that there is a data directory that this version knows. Throws `DataDirectoryError`. */
export async function requireDataDirectory(directory: string): Promise<void> {
  await attempt(directory, async () => {
    if ((await readFormat(directory)) === undefined) {
      throw new DataDirectoryError(
        `${directory} is no data directory of Pithos: \`pithos serve ${directory}\` makes one.`,
      );
    }
  });
}

/**
 * Makes an empty data directory, for nobody but this user, that no server takes before `finishDataDirectory`.
 * Throws `DataDirectoryError` where there is anything in it.
 */
export async function prepareEmptyDirectory(directory: string): Promise<void> {
  await attempt(directory, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const names = (await readdir(directory)).filter((name) => !IGNORED.has(name));
    if (names.length > 0) throw new DataDirectoryError(`${directory} is not empty: name a new directory.`);
  });
}

/** Makes a directory that was filled a data directory; the last step. Throws `DataDirectoryError`. */
export async function finishDataDirectory(directory: string): Promise<void> {
  await attempt(directory, () => writeDurably(join(directory, FORMAT_FILE), `pithos ${FORMAT}\n`));
}

/**
 * Makes this process the only server on the directory, until it disposes of the lock or ends. Commands that only open
 * the stores need no lock. The lock of a process that is gone is taken away; a process in another container cannot be
 * seen and counts as gone. Of servers that start at the same moment at most one gets the lock.
 * Throws `DataDirectoryError`.
 */
export async function lockDataDirectory(
  directory: string,
  { user = 'server' }: { readonly user?: 'server' | 'backup' } = {},
): Promise<AsyncDisposable> {
  // Each server writes a name of its own before it looks at the others', so that no two can miss each other.
  const own = `${LOCK_PREFIX}${randomBytes(8).toString('hex')}`;
  await attempt(directory, async () => {
    await writeDurably(join(directory, own), `${JSON.stringify(thisProcess())}\n`);
    const holder = await findOtherHolder(directory, own);
    if (holder === undefined) return;
    await removeIfThere(join(directory, own));
    throw new DataDirectoryError(
      `${directory} is in use by the ${user} with process id ${holder.pid}: stop that one, or name another directory.`,
    );
  });
  return { [Symbol.asyncDispose]: () => removeIfThere(join(directory, own)) };
}

/** A running process that has a lock beside `own`; the locks of others are removed. */
async function findOtherHolder(directory: string, own: string): Promise<ProcessIdentity | undefined> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(LOCK_PREFIX) || name === own || name.endsWith(UNFINISHED)) continue;
    const text = await readIfThere(join(directory, name));
    if (text === undefined) continue;
    const holder = parseIdentity(text);
    if (holder !== undefined && isRunning(holder)) return holder;
    await removeIfThere(join(directory, name));
  }
  return undefined;
}

async function removeIfThere(path: string): Promise<void> {
  await rm(path, { force: true });
}

async function readFormat(directory: string): Promise<number | undefined> {
  const text = await readIfThere(join(directory, FORMAT_FILE));
  if (text === undefined) return undefined;
  const format = Number(/^pithos (\d{1,9})\n$/.exec(text)?.[1] ?? Number.NaN);
  if (format === FORMAT) return format;
  throw new DataDirectoryError(
    format > FORMAT
      ? `${directory} has the format ${format} of a newer Pithos; this one knows ${FORMAT}: upgrade Pithos.`
      : `${join(directory, FORMAT_FILE)} does not name a format that Pithos knows.`,
  );
}

/** Writes a file as a whole and syncs it with its directory. */
async function writeDurably(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomBytes(8).toString('hex')}${UNFINISHED}`;
  const file = await open(aside, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
  const directory = await open(join(path, '..'), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** What is no file, but a pipe or a link, is not there: a backup that is restored may come from anywhere. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isFile() ? await readFile(path, 'utf8') : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs `step`; what the system says against it becomes a sentence. */
async function attempt(directory: string, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (cause) {
    if (cause instanceof DataDirectoryError || codeOf(cause) === undefined) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataDirectoryError(`The data directory ${directory} cannot be used: ${reason}.`, { cause });
  }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
