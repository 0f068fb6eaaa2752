import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type DiskEvent, type SyncClass, syncClassOf } from './disk-events.ts';
import { SimulatedFile } from './simulated-file.ts';
import type { Survivors } from './survivors.ts';

/** What a name stands for. */
type Entry = SimulatedFile | 'directory';

/** A change of a directory that no sync has settled yet. */
interface NameChange {
  readonly directory: string;
  readonly endedAt: bigint;
  readonly removed: string | undefined;
  readonly added: { readonly path: string; readonly entry: Entry } | undefined;
}

export interface SimulatedDiskOptions {
  /** The folder that was recorded. */
  readonly root: string;
  /** A folder on the file system of the states that are made, for files that many of them share. */
  readonly shared: string;
  /** Syncs that count as not made. */
  readonly leftOut?: SyncClass | undefined;
}

/** Below it a state's files may be hard links: nothing writes into a blob that is there. */
const READ_ONLY = /^blobs\//;

/**
 * A disk of which is known what is settled: a write from the moment a sync of its file that began after it has ended,
 * a name from the moment its directory was synced so. Feed it the events up to a moment, and `makeState` makes the
 * folder that a power cut at that moment leaves.
 */
export class SimulatedDisk {
  readonly #options: SimulatedDiskOptions;
  /** As processes see them: with what is not settled. */
  readonly #seen = new Map<string, Entry>();
  readonly #settled = new Map<string, Entry>();
  readonly #byInode = new Map<bigint, SimulatedFile>();
  readonly #unsynced = new Set<SimulatedFile>();
  readonly #linked = new Map<SimulatedFile, number>();
  #pendingNames: NameChange[] = [];
  #filesCount = 0;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
    this.#seen.set(options.root, 'directory');
    this.#settled.set(options.root, 'directory');
  }

  /** Whether a power cut may leave more than one state. */
  get hasPending(): boolean {
    return this.#pendingNames.length > 0 || this.#unsynced.size > 0;
  }

  /** Takes the next event, in the order in which they ended. */
  apply(event: DiskEvent): void {
    const { leftOut } = this.#options;
    const isLeftOut = leftOut !== undefined && syncClassOf(event) === leftOut;
    switch (event.kind) {
      case 'create':
        // Two processes may both have seen that it was missing.
        if (!this.#isSeen(event)) this.#add(event, event.path, this.#newFile(event.inode));
        return;
      case 'make-directory':
        this.#add(event, event.path, 'directory');
        return;
      case 'unlink':
        this.#remove(event);
        return;
      case 'link':
        this.#add(event, event.rest.toString(), this.#seenEntry(event.path));
        return;
      case 'rename':
        this.#rename(event);
        return;
      case 'write':
      case 'truncate':
        this.#pend(event);
        return;
      case 'synced-write':
        if (isLeftOut) this.#pend(event);
        else this.#file(event.inode).settle(event);
        return;
      case 'sync':
        if (!isLeftOut) this.#sync(event);
        return;
      case 'sync-directory':
        if (!isLeftOut) this.#syncDirectory(event);
        return;
    }
  }

  /** Makes the folder that is left, at `target`, which is not there yet. */
  makeState(target: string, survivors: Survivors): void {
    const names = new Map(this.#settled);
    for (const change of survivors.ofNames(this.#pendingNames)) applyName(names, change);
    mkdirSync(target);
    const made = new Set([this.#options.root]);
    const isMade = (path: string): boolean => {
      if (made.has(path)) return true;
      if (names.get(path) !== 'directory' || !isMade(dirname(path))) return false;
      mkdirSync(join(target, relative(this.#options.root, path)));
      made.add(path);
      return true;
    };
    for (const [path, entry] of names) {
      if (entry === 'directory') isMade(path);
      else if (isMade(dirname(path))) this.#makeFile(target, path, entry, survivors);
    }
  }

  #makeFile(target: string, path: string, file: SimulatedFile, survivors: Survivors): void {
    const name = relative(this.#options.root, path);
    const changes = survivors.ofFile(file.pending);
    if (changes.length === 0 && READ_ONLY.test(name)) linkSync(this.#sharedFile(file), join(target, name));
    else writeFileSync(join(target, name), file.contentWith(changes));
  }

  /** A file with what is settled, which all states share as long as that does not change. */
  #sharedFile(file: SimulatedFile): string {
    const path = (revision: number) => join(this.#options.shared, `${file.number}-${revision}`);
    const { revision } = file;
    const before = this.#linked.get(file);
    if (before === revision) return path(revision);
    if (before !== undefined) rmSync(path(before));
    writeFileSync(path(revision), file.settled());
    this.#linked.set(file, revision);
    return path(revision);
  }

  #newFile(inode: bigint): SimulatedFile {
    const file = new SimulatedFile(inode, this.#filesCount++);
    this.#byInode.set(inode, file);
    return file;
  }

  #file(inode: bigint): SimulatedFile {
    return this.#byInode.get(inode) ?? this.#newFile(inode);
  }

  #isSeen({ path, inode }: DiskEvent): boolean {
    const entry = this.#seen.get(path);
    return entry instanceof SimulatedFile && entry.inode === inode;
  }

  #seenEntry(path: string): Entry {
    const entry = this.#seen.get(path);
    if (entry === undefined) throw new Error(`${path} was used before it was made.`);
    return entry;
  }

  #pend(event: DiskEvent): void {
    const file = this.#file(event.inode);
    file.pend(event);
    this.#unsynced.add(file);
  }

  #sync({ inode, beganAt }: DiskEvent): void {
    const file = this.#file(inode);
    file.sync(beganAt);
    if (file.pending.length === 0) this.#unsynced.delete(file);
  }

  #add({ endedAt }: DiskEvent, path: string, entry: Entry): void {
    this.#change({ directory: dirname(path), endedAt, removed: undefined, added: { path, entry } });
  }

  #remove({ path, endedAt }: DiskEvent): void {
    this.#change({ directory: dirname(path), endedAt, removed: path, added: undefined });
  }

  #rename({ path, rest, endedAt }: DiskEvent): void {
    const to = rest.toString();
    if (dirname(to) !== dirname(path)) throw new Error(`${path} was moved to another directory.`);
    const added = { path: to, entry: this.#seenEntry(path) };
    this.#change({ directory: dirname(to), endedAt, removed: path, added });
  }

  #change(change: NameChange): void {
    applyName(this.#seen, change);
    this.#pendingNames.push(change);
  }

  #syncDirectory({ path, beganAt }: DiskEvent): void {
    const waiting: NameChange[] = [];
    for (const change of this.#pendingNames) {
      if (change.directory === path && change.endedAt <= beganAt) applyName(this.#settled, change);
      else waiting.push(change);
    }
    this.#pendingNames = waiting;
  }
}

function applyName(names: Map<string, Entry>, { removed, added }: NameChange): void {
  if (removed !== undefined) names.delete(removed);
  if (added !== undefined) names.set(added.path, added.entry);
}
