import { randomBytes, randomInt } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isRunning, type ProcessIdentity, parseIdentity, thisProcess } from '../../observe/process-identity.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { METADATA_FILE } from './environment.ts';
import { asFileError, systemCode } from './system-error.ts';

/** Stands beside the metadata. */
const USERS_DIRECTORY = `${METADATA_FILE}-users`;
/** The token of who opened last, then one byte for each user; the last byte is nobody's. */
const STATES_FILE = 'states';
/** One block, allocated from the first: a full disk keeps nobody out. */
const STATES_BYTES = 4096;
const TOKEN_BYTES = 16;
const IDLE = 0;
const WRITING = 1;
const OPENING = 2;

const USER_NAME = /^user-(\d{1,4})-[0-9a-f]{16}-([\w-]+)$/;
/** How often it is looked whether another process has begun or ended what it does, in milliseconds. */
const LOOK_MS = 2;
/** How long another process may write, or open, before it counts as stuck, in milliseconds. */
const STUCK_MS = 60_000;

/** An entry of the directory of users: a process that has the environment open, or opens it. */
interface User {
  readonly name: string;
  readonly slot: number;
  readonly process: ProcessIdentity;
}

/**
 * Keeps writes apart from openings, among all processes that use one LMDB environment: while one opens or closes it,
 * none writes.
 *
 * LMDB needs that: opening sets the number of the last transaction to what it was a moment before, and a commit that
 * ends in that moment is overwritten by the next. (ITS#9496, which the LMDB of lmdb 3.5 still has.)
 *
 * Who writes says so first and then looks whether anybody opens; who opens says so first and then waits for those who
 * write: one of them sees the other. The first and last of the writes under way at one time cost a write of one byte, and
 * the first a read of sixteen; others read once in two milliseconds, or who opens would wait for a busy process for ever.
 * What a process that died had said does not count.
 */
export class WriteGate {
  readonly #directory: string;
  readonly #name: string;
  readonly #slot: number;
  readonly #file: number;
  readonly #token = Buffer.alloc(TOKEN_BYTES);
  /** The token of the last opening that is known to be over; this process wrote one that is no zeros. */
  readonly #overToken = Buffer.alloc(TOKEN_BYTES);
  /** When that was known for the last time. */
  #overAtMs = Number.NEGATIVE_INFINITY;
  #insideCount = 0;
  #isClosed = false;

  private constructor({
    directory,
    file,
    name,
    slot,
  }: { directory: string; file: number; name: string; slot: number }) {
    this.#directory = directory;
    this.#file = file;
    this.#name = name;
    this.#slot = slot;
  }

  /** Runs `open` while no other process writes, and returns its gate. Throws `unavailable` where one never ends. */
  static async open<T>(directory: string, open: () => T): Promise<{ readonly gate: WriteGate; readonly opened: T }> {
    const users = join(directory, USERS_DIRECTORY);
    try {
      const gate = WriteGate.#join(users);
      try {
        return { gate, opened: await gate.#alone(open) };
      } catch (error) {
        gate.#part();
        throw error;
      }
    } catch (error) {
      throw asFileError(`use ${users}`, error);
    }
  }

  /** Whether a write may begin now; `leave` must follow where it may. Throws `unavailable`. */
  tryEnter(): boolean {
    if (this.#isClosed) throw new StoreError('unavailable', 'The metadata have been closed.');
    // Safe without a look: who opens waits until this process has said that it writes no more.
    if (this.#insideCount > 0 && performance.now() - this.#overAtMs < LOOK_MS) {
      this.#insideCount++;
      return true;
    }
    try {
      this.#begin();
      while (!this.#isLastOpeningOver()) {
        this.leave();
        if (this.#othersThat(OPENING).length > 0) return false;
        this.#token.copy(this.#overToken);
        this.#begin();
      }
      this.#overAtMs = performance.now();
      return true;
    } catch (error) {
      throw asFileError('tell other processes of a write', error);
    }
  }

  /** Waits until a write may begin; `leave` must follow. Throws `unavailable`, and when the signal fires first. */
  async enter({ signal }: CallOptions): Promise<void> {
    const untilMs = performance.now() + STUCK_MS;
    while (!this.tryEnter()) {
      this.#requireTime(untilMs, OPENING);
      await setTimeout(LOOK_MS);
      signal.throwIfAborted();
    }
  }

  /** The same, and nothing else runs meanwhile in this process. */
  enterSync(): void {
    const untilMs = performance.now() + STUCK_MS;
    const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    while (!this.tryEnter()) {
      this.#requireTime(untilMs, OPENING);
      Atomics.wait(never, 0, 0, LOOK_MS);
    }
  }

  /** Throws an error of the system where the others cannot be told. */
  leave(): void {
    this.#insideCount--;
    if (this.#insideCount === 0) this.#say(IDLE);
  }

  /** Runs `close` while no other process opens the environment; the last use of the gate. */
  async close(close: () => Promise<void>): Promise<void> {
    await this.enter({ signal: new AbortController().signal });
    await close();
    this.#part();
  }

  static #join(directory: string): WriteGate {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = openSync(join(directory, STATES_FILE), constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      if (fstatSync(file).size < STATES_BYTES) writeSync(file, Buffer.of(IDLE), 0, 1, STATES_BYTES - 1);
      const process = Buffer.from(JSON.stringify(thisProcess())).toString('base64url');
      for (;;) {
        const slot = randomInt(TOKEN_BYTES, STATES_BYTES - 1);
        const name = `user-${slot}-${randomBytes(8).toString('hex')}-${process}`;
        closeSync(openSync(join(directory, name), 'wx', 0o600));
        // Each makes its own before it looks for others', so that no two have one slot.
        if (usersIn(directory).every((other) => other.name === name || other.slot !== slot))
          return new WriteGate({ directory, file, name, slot });
        rmSync(join(directory, name), { force: true });
      }
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  async #alone<T>(open: () => T): Promise<T> {
    this.#say(OPENING);
    writeSync(this.#file, randomBytes(TOKEN_BYTES), 0, TOKEN_BYTES, 0);
    this.#removeDead();
    const untilMs = performance.now() + STUCK_MS;
    let names: ReadonlySet<string> | undefined;
    do {
      this.#requireTime(untilMs, WRITING);
      // At least once: a processor may have read the old token for a write that no other can see yet.
      await setTimeout(LOOK_MS);
      // Who has ended a write since knows of this, and waits.
      const left = this.#othersThat(WRITING).map(({ name }) => name);
      names = new Set(left.filter((name) => names?.has(name) ?? true));
    } while (names.size > 0);
    const opened = open();
    this.#say(IDLE);
    return opened;
  }

  /** Counts and says so, or does neither. */
  #begin(): void {
    if (this.#insideCount === 0) this.#say(WRITING);
    this.#insideCount++;
  }

  /** Whether nobody has begun to open since it was last known that nobody does. Leaves where it cannot tell. */
  #isLastOpeningOver(): boolean {
    try {
      this.#read(this.#token);
      return this.#token.equals(this.#overToken);
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  #part(): void {
    this.#isClosed = true;
    closeSync(this.#file);
    rmSync(join(this.#directory, this.#name), { force: true });
  }

  #say(state: number): void {
    writeSync(this.#file, Buffer.of(state), 0, 1, this.#slot);
  }

  /** Fills `start` with what the file begins with. */
  #read(start: Buffer): void {
    if (readSync(this.#file, start, 0, start.length, 0) === start.length) return;
    throw new StoreError(
      'unavailable',
      `${join(this.#directory, STATES_FILE)} has become shorter: start the server anew.`,
    );
  }

  /** The processes other than this one that run and are in `state`. lmdb has one environment for all handles of one. */
  #othersThat(state: number): readonly User[] {
    const states = Buffer.alloc(STATES_BYTES);
    this.#read(states);
    return usersIn(this.#directory).filter(
      (user) => states[user.slot] === state && user.process.pid !== process.pid && isRunning(user.process),
    );
  }

  #removeDead(): void {
    for (const user of usersIn(this.#directory)) {
      if (!isRunning(user.process)) rmSync(join(this.#directory, user.name), { force: true });
    }
  }

  #requireTime(untilMs: number, state: number): void {
    if (performance.now() < untilMs) return;
    const pids = this.#othersThat(state).map((user) => user.process.pid);
    throw new StoreError(
      'unavailable',
      `Process ${pids.join(', ')} has been ${state === OPENING ? 'opening' : 'writing to'} the metadata for ${STUCK_MS / 1_000} seconds: end it.`,
    );
  }
}

/** None where the directory was removed: nobody can open the environment any more. */
function usersIn(directory: string): readonly User[] {
  return namesIn(directory).flatMap((name) => {
    const [, slot, encoded] = USER_NAME.exec(name) ?? [];
    if (slot === undefined || encoded === undefined) return [];
    const process = parseIdentity(Buffer.from(encoded, 'base64url').toString());
    return process === undefined ? [] : [{ name, slot: Number(slot), process }];
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
