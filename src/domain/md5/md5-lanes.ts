import { instantiate, type WasmInstance } from './instantiate.ts';
import { BLOCK_BYTES, CONSTANTS, GROUP_LANES, groupsOfStreams, oneStream, PLACES } from './md5-code.ts';
import { wasmModule } from './wasm-module.ts';

/** How many streams are hashed side by side at most. */
export const LANES = 2 * GROUP_LANES;
/** Streams that have bytes waiting at once: more than lanes, so that there are enough to choose from. */
const SLOTS = 2 * LANES;
/** Bytes of one stream that wait at most, but for its padding. */
export const SLOT_BYTES = 128 * 1024;
/**
 * A stream with so many bytes waiting is to wait itself, so that others come to be hashed with it: as many as are read from
 * a connection at once, and half a slot, so that there is room for what comes after a few bytes more.
 */
const FULL_BYTES = SLOT_BYTES / 2;
/** Room for the bytes of a slot and their padding; no power of two, so that lanes do not contend for cache lines. */
const SLOT_PITCH_BYTES = SLOT_BYTES + 2 * BLOCK_BYTES;
/** Streams with fewer blocks waiting are not hashed along with others: the switch would cost more. */
const COMPANY_BLOCKS_MIN = 16;
const PAGE_BYTES = 64 * 1024;
const WORD_BYTES = 4;
const STATE_WORDS = 4;

/** The stream whose bytes wait in a slot. */
export interface SlotOwner {
  /** The four words of its state after all that was hashed, signed or not. */
  readonly state: number[];
  /** The slot is no longer this stream's. What is left, less than a block, must be copied before this returns. */
  vacate(rest: Uint8Array): void;
}

/** A place in memory in which bytes of one stream wait: those from `begin` to `end`. */
export interface Slot {
  readonly start: number;
  begin: number;
  end: number;
  owner: SlotOwner | undefined;
}

/**
 * Computes MD5 for many streams at once: each step of MD5 waits for the one before it, so one stream keeps a processor
 * busy for a fraction of its time, and eight take hardly longer than one. Bytes wait in slots until someone wants them
 * hashed; the streams that have the most waiting are hashed along with them.
 *
 * Memory: 2.1 MiB. Nothing has to be released: the bytes of a stream that nobody ends are hashed when their slot is
 * wanted.
 */
export class Md5Lanes {
  readonly #exports: WasmInstance['exports'];
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #slots: readonly Slot[];

  /** Takes some milliseconds; `undefined` where the processor lacks an instruction, or memory cannot be had. */
  static make(): Md5Lanes | undefined {
    const pages = Math.ceil((PLACES.end + SLOTS * SLOT_PITCH_BYTES) / PAGE_BYTES);
    const functions = [oneStream('one'), groupsOfStreams('four', 1), groupsOfStreams('eight', 2)];
    const instance = instantiate(wasmModule(functions, pages), pages);
    return instance && new Md5Lanes(instance);
  }

  private constructor({ memory, exports }: WasmInstance) {
    this.#exports = exports;
    this.#bytes = new Uint8Array(memory);
    this.#words = new Int32Array(memory);
    for (const [step, constant] of CONSTANTS.entries()) {
      const first = PLACES.constants / WORD_BYTES + step * GROUP_LANES;
      this.#words.fill(constant, first, first + GROUP_LANES);
    }
    this.#slots = Array.from({ length: SLOTS }, (_, index) => {
      const start = PLACES.end + index * SLOT_PITCH_BYTES;
      return { start, begin: start, end: start, owner: undefined };
    });
  }

  /** An empty slot for `owner`; where none is free, the fullest is hashed. */
  take(owner: SlotOwner): Slot {
    let slot = this.#slots.find((each) => each.owner === undefined);
    if (slot === undefined) {
      slot = this.#slots.reduce((fullest, each) => (blocksIn(each) > blocksIn(fullest) ? each : fullest));
      this.hash([slot]);
    }
    slot.owner = owner;
    return slot;
  }

  /** Copies as many of the bytes into the slot as it has room for, and gives back how many those are. */
  fill(slot: Slot, bytes: Uint8Array): number {
    const takenBytes = Math.min(bytes.length, slot.start + SLOT_BYTES - slot.end);
    this.#append(slot, takenBytes === bytes.length ? bytes : bytes.subarray(0, takenBytes));
    return takenBytes;
  }

  /** Whether its stream is to wait until it was hashed. */
  isFull(slot: Slot): boolean {
    return slot.end - slot.begin >= FULL_BYTES;
  }

  /** Appends the padding of the stream, for which there is always room. */
  pad(slot: Slot, padding: Uint8Array): void {
    this.#append(slot, padding);
  }

  /** Hashes all blocks in these slots, and what fits beside them of the others; vacates these, and others that are empty. */
  hash(slots: readonly Slot[]): void {
    let wanted = slots.filter(hasBlocks);
    while (wanted.length > 0) {
      this.#advance(this.#withCompany(wanted.slice(0, LANES)));
      wanted = wanted.filter(hasBlocks);
    }
    for (const slot of slots) this.#vacate(slot);
  }

  #append(slot: Slot, bytes: Uint8Array): void {
    this.#bytes.set(bytes, slot.end);
    slot.end += bytes.length;
  }

  /** The slots, and where they are fewer than the lanes, those of the others that have the most blocks. */
  #withCompany(slots: readonly Slot[]): readonly Slot[] {
    const free = LANES - slots.length;
    if (free === 0) return slots;
    const company = this.#slots.filter((slot) => blocksIn(slot) >= COMPANY_BLOCKS_MIN && !slots.includes(slot));
    if (company.length > free) company.sort((left, right) => blocksIn(right) - blocksIn(left));
    return [...slots, ...company.slice(0, free)];
  }

  /** Hashes as many blocks of each of these slots, at most as many as there are lanes, as the one with the fewest has. */
  #advance(slots: readonly Slot[]): void {
    const blocks = slots.reduce((fewest, slot) => Math.min(fewest, blocksIn(slot)), Number.POSITIVE_INFINITY);
    for (const [lane, slot] of slots.entries()) this.#enter(lane, slot);
    this.#call(slots, blocks);
    for (const [lane, slot] of slots.entries()) this.#leave(lane, slot);
    for (const slot of slots) {
      slot.begin += blocks * BLOCK_BYTES;
      if (!hasBlocks(slot)) this.#vacate(slot);
    }
  }

  #call(slots: readonly Slot[], blocks: number): void {
    const { one, four, eight } = this.#exports;
    // A lane too many hashes what another does, for nobody.
    const [a = 0, b = a, c = a, d = a, e = a, f = a, g = a, h = a] = slots.map(({ begin }) => begin);
    if (slots.length === 1) one?.(a, blocks);
    else if (slots.length <= GROUP_LANES) four?.(a, b, c, d, blocks);
    else eight?.(a, b, c, d, e, f, g, h, blocks);
  }

  #enter(lane: number, { owner }: Slot): void {
    for (let word = 0; word < STATE_WORDS; word += 1) this.#words[statePlace(lane, word)] = owner?.state[word] ?? 0;
  }

  #leave(lane: number, { owner }: Slot): void {
    if (owner === undefined) return;
    for (let word = 0; word < STATE_WORDS; word += 1) owner.state[word] = this.#words[statePlace(lane, word)] ?? 0;
  }

  #vacate(slot: Slot): void {
    slot.owner?.vacate(this.#bytes.subarray(slot.begin, slot.end));
    slot.owner = undefined;
    slot.begin = slot.start;
    slot.end = slot.start;
  }
}

/** Index of a word of the state of a lane, in words. */
function statePlace(lane: number, word: number): number {
  const group = Math.floor(lane / GROUP_LANES);
  return PLACES.states / WORD_BYTES + (group * STATE_WORDS + word) * GROUP_LANES + (lane % GROUP_LANES);
}

function blocksIn({ begin, end }: Slot): number {
  return Math.floor((end - begin) / BLOCK_BYTES);
}

function hasBlocks(slot: Slot): boolean {
  return blocksIn(slot) > 0;
}
