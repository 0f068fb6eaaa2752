import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** The kinds of records that `record-writes.c` makes. */
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
] as const;

type Kind = (typeof KINDS)[number];

/** One recorded call; times are nanoseconds of the monotonic clock, as `process.hrtime.bigint()` gives them. */
export interface DiskEvent {
  readonly kind: Kind;
  readonly beganAt: bigint;
  readonly endedAt: bigint;
  readonly inode: bigint;
  readonly offset: number;
  readonly path: string;
  readonly rest: Buffer;
}

/** A change of a directory that no sync has settled yet. */
interface PendingName {
  readonly event: DiskEvent;
  readonly directory: string;
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
export type SyncClass = 'file data' | 'directory' | 'metadata pages' | 'metadata commit';

/** The class of a sync; `undefined` for any other event. */
export function syncClassOf(event: DiskEvent): SyncClass | undefined {
  if (event.kind === 'synced-write') return 'metadata commit';
  if (event.kind === 'sync-directory') return 'directory';
  if (event.kind !== 'sync') return undefined;
  return event.path.endsWith('.mdb') ? 'metadata pages' : 'file data';
}

/**
 * A disk that keeps what was synced and nothing else: a write counts from the moment a sync of its file that began
 * after it has ended, a name from the moment its directory was synced so. Feed it the events up to a moment, and
 * `writeTo` makes the folder that a power cut at that moment leaves.
 */
export class SyncedDisk {
  readonly #root: string;
  readonly #files = new Map<bigint, SyncedFile>();
  readonly #names = new Map<string, bigint | 'directory'>();
  #pendingNames: PendingName[] = [];

  readonly #leftOut: SyncClass | undefined;

  constructor(root: string, leftOut?: SyncClass) {
    this.#root = root;
    this.#leftOut = leftOut;
    this.#names.set(root, 'directory');
  }

  apply(event: DiskEvent): void {
    if (this.#leftOut !== undefined && syncClassOf(event) === this.#leftOut) {
      if (event.kind === 'synced-write') this.#file(event.inode).pending.push(event);
      return;
    }
    switch (event.kind) {
      case 'create':
        this.#files.set(event.inode, new SyncedFile());
        this.#pend(event, event.path);
        return;
      case 'make-directory':
      case 'unlink':
        this.#pend(event, event.path);
        return;
      case 'rename':
        this.#pend(event, event.rest.toString());
        return;
      case 'write':
      case 'truncate':
        this.#file(event.inode).pending.push(event);
        return;
      case 'synced-write':
        this.#file(event.inode).write(event);
        return;
      case 'sync':
        this.#file(event.inode).sync(event.beganAt);
        return;
      case 'sync-directory':
        this.#syncDirectory(event.path, event.beganAt);
        return;
    }
  }

  /** Makes the folder that is left, below `target`. */
  async writeTo(target: string): Promise<void> {
    await mkdir(target, { recursive: true });
    for (const [path, what] of this.#names) {
      const place = join(target, relative(this.#root, path));
      if (what === 'directory') {
        if (this.#isReachable(path)) await mkdir(place, { recursive: true });
      } else if (this.#isReachable(path)) {
        await mkdir(dirname(place), { recursive: true });
        await writeFile(place, this.#file(what).content());
      }
    }
  }

  #file(inode: bigint): SyncedFile {
    let file = this.#files.get(inode);
    if (file === undefined) {
      file = new SyncedFile();
      this.#files.set(inode, file);
    }
    return file;
  }

  #pend(event: DiskEvent, path: string): void {
    this.#pendingNames.push({ event, directory: dirname(path) });
  }

  #syncDirectory(path: string, beganAt: bigint): void {
    const waiting: PendingName[] = [];
    for (const pending of this.#pendingNames) {
      if (pending.directory === path && pending.event.endedAt <= beganAt) this.#settle(pending.event);
      else waiting.push(pending);
    }
    this.#pendingNames = waiting;
  }

  #settle(event: DiskEvent): void {
    if (event.kind === 'create') this.#names.set(event.path, event.inode);
    else if (event.kind === 'make-directory') this.#names.set(event.path, 'directory');
    else if (event.kind === 'unlink') this.#names.delete(event.path);
    else {
      const from = this.#nameOf(event);
      this.#names.delete(event.path);
      if (from !== undefined) this.#names.set(event.rest.toString(), from);
    }
  }

  /** What a renamed path names, although its creation was never synced by itself. */
  #nameOf(event: DiskEvent): bigint | 'directory' | undefined {
    const synced = this.#names.get(event.path);
    if (synced !== undefined) return synced;
    return this.#pendingNames.findLast(
      (pending) => pending.event.kind === 'create' && pending.event.path === event.path,
    )?.event.inode;
  }

  #isReachable(path: string): boolean {
    if (path === this.#root) return true;
    const parent = dirname(path);
    return this.#names.get(parent) === 'directory' && this.#isReachable(parent);
  }
}

class SyncedFile {
  pending: DiskEvent[] = [];
  #bytes = Buffer.alloc(0);
  #length = 0;

  sync(beganAt: bigint): void {
    const waiting: DiskEvent[] = [];
    for (const event of this.pending) {
      if (event.endedAt <= beganAt) this.write(event);
      else waiting.push(event);
    }
    this.pending = waiting;
  }

  write({ kind, offset, rest }: DiskEvent): void {
    if (kind === 'truncate') {
      this.#reserve(offset);
      this.#bytes.fill(0, Math.min(offset, this.#length), this.#length);
      this.#length = offset;
      return;
    }
    this.#reserve(offset + rest.length);
    rest.copy(this.#bytes, offset);
    this.#length = Math.max(this.#length, offset + rest.length);
  }

  content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(length, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
