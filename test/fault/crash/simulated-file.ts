import type { DiskEvent } from './disk-events.ts';

/** What happens to a file's bytes: a whole write or a part of one, or a new length. */
export type FileChange =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly lengthBytes: number };

/** One file of a simulated disk: the bytes that syncs have settled, and the changes that wait for the next. */
export class SimulatedFile {
  readonly inode: bigint;
  /** Tells this file from others that had its inode number. */
  readonly number: number;
  #pending: DiskEvent[] = [];
  readonly #content = new GrowingBytes();
  #revision = 0;

  constructor(inode: bigint, number: number) {
    this.inode = inode;
    this.number = number;
  }

  /** Writes and truncates that no sync has settled, in the order in which they ended. */
  get pending(): readonly DiskEvent[] {
    return this.#pending;
  }

  /** Counts the changes of what is settled. */
  get revision(): number {
    return this.#revision;
  }

  pend(event: DiskEvent): void {
    this.#pending.push(event);
  }

  settle(event: DiskEvent): void {
    this.#content.apply(changeOf(event));
    this.#revision++;
  }

  /** Settles every change that had ended when a sync began. */
  sync(beganAt: bigint): void {
    const waiting: DiskEvent[] = [];
    for (const event of this.#pending) {
      if (event.endedAt <= beganAt) this.settle(event);
      else waiting.push(event);
    }
    this.#pending = waiting;
  }

  /** What is settled; not to be kept, for the next change writes into it. */
  settled(): Buffer {
    return this.#content.bytes();
  }

  /** What is there when these changes survive too. */
  contentWith(changes: readonly FileChange[]): Buffer {
    if (changes.length === 0) return this.settled();
    const content = new GrowingBytes(this.settled());
    for (const change of changes) content.apply(change);
    return content.bytes();
  }
}

export function changeOf({ kind, offset, rest }: DiskEvent): FileChange {
  return kind === 'truncate' ? { kind: 'resize', lengthBytes: offset } : { kind: 'write', offset, bytes: rest };
}

/** Bytes that grow as a file does: what lies between two writes is zeros. */
class GrowingBytes {
  #bytes: Buffer;
  #length: number;

  constructor(initial: Buffer = Buffer.alloc(0)) {
    this.#bytes = Buffer.from(initial);
    this.#length = initial.length;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  apply(change: FileChange): void {
    if (change.kind === 'resize') {
      this.#reserve(change.lengthBytes);
      if (change.lengthBytes < this.#length) this.#bytes.fill(0, change.lengthBytes, this.#length);
      this.#length = change.lengthBytes;
      return;
    }
    const end = change.offset + change.bytes.length;
    this.#reserve(end);
    change.bytes.copy(this.#bytes, change.offset);
    this.#length = Math.max(this.#length, end);
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(length, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
