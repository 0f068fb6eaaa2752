import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../store.ts';
import { makeDirectory, syncDirectory } from './durable-directory.ts';
import { fileSize, systemCode } from './system-error.ts';

/** Says that a directory takes backups, and in which layout. */
const FORMAT_FILE = 'pithos-backup';
const FORMAT = 'pithos backup 1\n';
/** Names the files of the one backup that is whole: written last, and replaced as a whole. */
const COMPLETION_FILE = 'complete.json';
const METADATA_COPY = /^metadata-[0-9a-f]{16}\.mdb$/;
const INCOMING_DIRECTORY = 'incoming';
const UNFINISHED = '.new';
/** Longest file that says something about a backup. */
const TEXT_BYTES_MAX = 64 * 1024;
const FILE_MODE = 0o600;
/** Names that a fresh file system may have. */
const IGNORED = new Set(['lost+found', '.DS_Store']);

/** What a whole backup is made of; everything else in its directory is left over or on its way. */
export interface Completion {
  /** No later than its snapshot: all that was acknowledged before is in it. Milliseconds since 1970. */
  readonly beganAtMs: number;
  readonly metadata: { readonly file: string; readonly sizeBytes: number; readonly sha256: string };
  readonly blobs: number;
  readonly bytes: number;
  /** Blobs that could not be read when it was taken. */
  readonly damagedBlobs: number;
}

/** Where files are until they are whole; gone when nothing runs. */
export function incomingDirectory(target: string): string {
  return join(target, INCOMING_DIRECTORY);
}

/** Makes a directory one that takes backups, where it is new or empty. Throws `unavailable` for any other. */
export async function prepareTarget(target: string): Promise<void> {
  await makeDirectory(target, 'strict');
  const format = await readIfThere(join(target, FORMAT_FILE));
  if (format === FORMAT) return;
  if (format !== undefined) throw new StoreError('unavailable', `${target} has backups of another release of Pithos.`);
  const names = (await readdir(target)).filter((name) => !IGNORED.has(name) && !name.endsWith(UNFINISHED));
  if (names.length > 0) {
    throw new StoreError(
      'unavailable',
      `${target} is not empty and has no backup: name a directory for backups alone, \`pithos backup TARGET [DIRECTORY]\`.`,
    );
  }
  await writeDurably(join(target, FORMAT_FILE), FORMAT);
}

/**
 * What of a directory is whole. Throws `unavailable` where no backup has been completed, `corrupt` where its metadata
 * are gone or have another length.
 */
export async function requireCompletion(target: string): Promise<Completion> {
  const completion = await readCompletion(target);
  if (completion === undefined) {
    throw new StoreError('unavailable', `${target} has no whole backup: none was ever completed there.`);
  }
  const path = join(target, completion.metadata.file);
  const sizeBytes = await fileSize(path);
  if (sizeBytes === completion.metadata.sizeBytes) return completion;
  const what = sizeBytes === undefined ? 'is missing' : 'is not what was written';
  throw new StoreError('corrupt', `${path} ${what}: restore another backup.`);
}

/** What of a directory is whole, or `undefined` where no backup has been completed. Throws `corrupt`. */
export async function readCompletion(target: string): Promise<Completion | undefined> {
  if ((await readIfThere(join(target, FORMAT_FILE))) !== FORMAT) return undefined;
  const text = await readIfThere(join(target, COMPLETION_FILE));
  if (text === undefined) return undefined;
  const completion = parseCompletion(text);
  if (completion !== undefined) return completion;
  throw new StoreError('corrupt', `${join(target, COMPLETION_FILE)} is not what was written.`);
}

/** Puts a completion in the place of the one before; all that it names must be on stable storage. */
export async function writeCompletion(target: string, completion: Completion): Promise<void> {
  await writeDurably(join(target, COMPLETION_FILE), `${JSON.stringify(completion, undefined, 2)}\n`);
}

/** A name for a copy of the metadata that no other has. */
export function freshMetadataName(): string {
  return `metadata-${randomBytes(8).toString('hex')}.mdb`;
}

/** Removes what an earlier backup left on its way, and copies of metadata that `completion` does not name. */
export async function removeLeftovers(target: string, completion: Completion | undefined): Promise<void> {
  await rm(incomingDirectory(target), { recursive: true, force: true });
  for (const name of await readdir(target)) {
    const isOld = METADATA_COPY.test(name) && name !== completion?.metadata.file;
    if (isOld || name.endsWith(UNFINISHED)) await rm(join(target, name), { force: true });
  }
}

/** Throws `corrupt` where what has this name cannot be it: a backup may come from anywhere. */
async function readIfThere(path: string): Promise<string | undefined> {
  const sizeBytes = await fileSize(path);
  if (sizeBytes === undefined) return undefined;
  if (sizeBytes > TEXT_BYTES_MAX) throw new StoreError('corrupt', `${path} is not what was written.`);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a file as a whole, and syncs it with its directory. */
async function writeDurably(path: string, text: string): Promise<void> {
  const aside = path + UNFINISHED;
  // A link that somebody left under this name is removed, not followed.
  await rm(aside, { force: true });
  await using file: FileHandle = await open(aside, 'wx', FILE_MODE);
  await file.writeFile(text);
  await file.sync();
  await rename(aside, path);
  await syncDirectory(join(path, '..'));
}

function parseCompletion(text: string): Completion | undefined {
  try {
    const { beganAtMs, metadata, blobs, bytes, damagedBlobs } = JSON.parse(text) as Completion;
    const { file, sizeBytes, sha256 } = metadata;
    const isSound =
      [beganAtMs, sizeBytes, blobs, bytes, damagedBlobs].every(Number.isSafeInteger) &&
      METADATA_COPY.test(file) &&
      /^[0-9a-f]{64}$/.test(sha256);
    return isSound ? { beganAtMs, metadata: { file, sizeBytes, sha256 }, blobs, bytes, damagedBlobs } : undefined;
  } catch {
    return undefined;
  }
}
