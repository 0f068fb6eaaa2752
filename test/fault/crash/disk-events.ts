import { readFile } from 'node:fs/promises';

/** The kinds of records that `record-writes.c` makes, by their numbers from 1 on. */
const KINDS = [
  'create',
  'write',
  'sync',
  'sync-directory',
  'rename',
  'unlink',
  'make-directory',
  'truncate',
  'synced-write',
  'link',
] as const;

type Kind = (typeof KINDS)[number];

/** One recorded call; times are nanoseconds of the monotonic clock, as `process.hrtime.bigint()` gives them. */
export interface DiskEvent {
  readonly kind: Kind;
  readonly beganAt: bigint;
  readonly endedAt: bigint;
  readonly inode: bigint;
  /** Of a write, where it begins; of a truncate, the length that the file has then. In bytes. */
  readonly offset: number;
  /** Empty for writes, which are known by their inode. */
  readonly path: string;
  /** The bytes of a write; the new name of a rename or a link. */
  readonly rest: Buffer;
}

/** Reads a record, in the order in which its calls ended. */
export async function readDiskEvents(file: string): Promise<DiskEvent[]> {
  const bytes = await readFile(file);
  const events: DiskEvent[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    const textLength = bytes.readUInt32LE(at + 37);
    const kind = KINDS[bytes.readUInt8(at + 4) - 1];
    if (kind === undefined) throw new Error(`The record at byte ${at} is of no known kind.`);
    events.push({
      kind,
      beganAt: bytes.readBigUInt64LE(at + 5),
      endedAt: bytes.readBigUInt64LE(at + 13),
      inode: bytes.readBigUInt64LE(at + 21),
      offset: Number(bytes.readBigUInt64LE(at + 29)),
      path: bytes.toString('utf8', at + 41, at + 41 + textLength),
      rest: bytes.subarray(at + 41 + textLength, at + 4 + length),
    });
    at += 4 + length;
  }
  return events.sort((a, b) => Number(a.endedAt - b.endedAt));
}

/** The kinds of syncs a server may make; each can be left out of a replay, to show that it is needed. */
export const SYNC_CLASSES = ['file data', 'directory', 'metadata pages', 'metadata commit'] as const;

export type SyncClass = (typeof SYNC_CLASSES)[number];

/** The class of a sync; `undefined` for any other event. */
export function syncClassOf({ kind, path }: DiskEvent): SyncClass | undefined {
  if (kind === 'synced-write') return 'metadata commit';
  if (kind === 'sync-directory') return 'directory';
  if (kind !== 'sync') return undefined;
  return path.endsWith('.mdb') ? 'metadata pages' : 'file data';
}
