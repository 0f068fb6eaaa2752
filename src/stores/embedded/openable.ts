import { accessSync, closeSync, constants, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where Linux says what this process may have; elsewhere there is no such file and no limit is assumed. */
const LIMITS_FILE = '/proc/self/limits';
const ADDRESS_SPACE_LIMIT = /^Max address space\s+(\d+)/m;
/** The share of the limit that goes to the metadata: the rest is for the process itself. */
const ADDRESS_SPACE_SHARE = 0.25;
const PAGE_BYTES = 4096;

/** What both meta pages of LMDB hold, after 24 bytes of header. */
const META_OFFSET = 24;
const META_MAGIC = 0xbeefc0de;
const META_VERSION = 2;
const META_PAGES = 2;

/**
 * Why lmdb could not open the file, or `undefined` where it can. Asked before, because lmdb 3.5 ends the process
 * with a segmentation fault where opening fails.
 */
export function whyNotOpenable(path: string): string | undefined {
  try {
    accessSync(dirname(path), constants.R_OK | constants.W_OK | constants.X_OK);
    if (existsSync(`${path}-lock`)) accessSync(`${path}-lock`, constants.R_OK | constants.W_OK);
    if (!existsSync(path)) return undefined;
    return whyNotMetadata(path);
  } catch (error) {
    return String(error);
  }
}

/** At most `wantedBytes` of address space, and no more than a limit on this process allows. */
export function allowedMapBytes(wantedBytes: number): number {
  if (!existsSync(LIMITS_FILE)) return wantedBytes;
  const limit = ADDRESS_SPACE_LIMIT.exec(readFileSync(LIMITS_FILE, 'utf8'))?.[1];
  if (limit === undefined) return wantedBytes;
  const allowedBytes = Math.floor((Number(limit) * ADDRESS_SPACE_SHARE) / PAGE_BYTES) * PAGE_BYTES;
  return Math.min(wantedBytes, allowedBytes);
}

function whyNotMetadata(path: string): string | undefined {
  const file = openSync(path, 'r+');
  try {
    const pages = Buffer.alloc(META_PAGES * PAGE_BYTES);
    const readBytes = readSync(file, pages, 0, pages.length, 0);
    if (readBytes === 0) return undefined;
    for (let offset = META_OFFSET; offset < pages.length; offset += PAGE_BYTES) {
      const isMeta = pages.readUInt32LE(offset) === META_MAGIC && pages.readUInt16LE(offset + 4) === META_VERSION;
      if (!isMeta) return 'It is not a file of this LMDB.';
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}
