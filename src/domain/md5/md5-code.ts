import {
  type Arithmetic,
  get,
  loadNumber,
  loadVector,
  NUMBERS,
  number,
  pickWords,
  repeat,
  set,
  storeNumber,
  storeVector,
  VECTORS,
} from './instructions.ts';
import type { Code, WasmFunction } from './wasm-module.ts';

/** Bytes that MD5 takes at once. */
export const BLOCK_BYTES = 64;
/** Streams whose words lie beside one another in one vector. */
export const GROUP_LANES = 4;
const WORD_BYTES = 4;
const VECTOR_BYTES = GROUP_LANES * WORD_BYTES;
const BLOCK_WORDS = BLOCK_BYTES / WORD_BYTES;
const STATE_WORDS = 4;
const STEPS = 64;
const GROUPS_MAX = 2;

/** Where the code finds its numbers in memory, in bytes. */
export const PLACES = {
  /** The constant of each step, four times. */
  constants: 0,
  /** For each group the words of a block, each a vector of one word a lane. */
  words: STEPS * VECTOR_BYTES,
  /** For each group the words of the state, each a vector of one word a lane. */
  states: (STEPS + GROUPS_MAX * BLOCK_WORDS) * VECTOR_BYTES,
  /** From here on memory is free. */
  end: (STEPS + GROUPS_MAX * (BLOCK_WORDS + STATE_WORDS)) * VECTOR_BYTES,
} as const;

/** The constant of each step. Source: RFC 1321, 3.4. */
export const CONSTANTS: readonly number[] = Array.from(
  { length: STEPS },
  (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32) | 0,
);

/** How far the steps of each round rotate, in bits, in turn; they add the words `factor * index + offset` of the block. */
const ROUNDS = [
  { shifts: [7, 12, 17, 22], factor: 1, offset: 0 },
  { shifts: [5, 9, 14, 20], factor: 5, offset: 1 },
  { shifts: [4, 11, 16, 23], factor: 3, offset: 5 },
  { shifts: [6, 10, 15, 21], factor: 7, offset: 0 },
] as const;

/** Four locals for the words of a state. */
type State = readonly [number, number, number, number];

/** What hashes one stream, or a group of them. */
interface Hasher {
  readonly on: Arithmetic;
  readonly state: State;
  /** The state before the block. */
  readonly before: State;
  readonly sum: number;
  readonly loadState: (index: number) => Code;
  readonly storeState: (index: number, value: Code) => Code;
  /** What has to run before a block. */
  readonly prepare: Code;
  readonly word: (index: number) => Code;
  readonly constant: (index: number) => Code;
}

/** Locals that a hasher uses. */
const HASHER_LOCALS = 9;
/** Locals that transposing uses. */
const ROW_LOCALS = 4;

/** `name(address, blocks)`: takes the blocks, at least one, from there on into the state of lane 0. */
export function oneStream(name: string): WasmFunction {
  const [address, blocks, firstLocal] = [0, 1, 2];
  const hasher: Hasher = {
    on: NUMBERS,
    ...hasherLocals(firstLocal),
    loadState: (index) => loadNumber(number(0), PLACES.states + index * VECTOR_BYTES),
    storeState: (index, value) => storeNumber(number(0), PLACES.states + index * VECTOR_BYTES, value),
    prepare: [],
    word: (index) => loadNumber(get(address), index * WORD_BYTES),
    constant: (index) => number(CONSTANTS[index] ?? 0),
  };
  return {
    name,
    parameters: 2,
    locals: new Array(HASHER_LOCALS).fill('i32'),
    code: hashBlocks([hasher], { addresses: [address], blocks }),
  };
}

/**
 * `name(address0, address1, …, blocks)`, with four addresses for each of one or two groups: takes as many blocks, at
 * least one, from each address on into the state of its lane. Two groups together keep the processor busier than one:
 * each step of MD5 waits for the one before it.
 */
export function groupsOfStreams(name: string, groups: 1 | 2): WasmFunction {
  const lanes = groups * GROUP_LANES;
  const addresses = Array.from({ length: lanes }, (_, lane) => lane);
  const localsOfGroup = HASHER_LOCALS + ROW_LOCALS;
  const hashers = Array.from({ length: groups }, (_, group) =>
    groupHasher(group, {
      addresses: addresses.slice(group * GROUP_LANES, (group + 1) * GROUP_LANES),
      firstLocal: lanes + 1 + group * localsOfGroup,
    }),
  );
  return {
    name,
    parameters: lanes + 1,
    locals: new Array(groups * localsOfGroup).fill('v128'),
    code: hashBlocks(hashers, { addresses, blocks: lanes }),
  };
}

function groupHasher(
  group: number,
  { addresses, firstLocal }: { readonly addresses: readonly number[]; readonly firstLocal: number },
): Hasher {
  const words = PLACES.words + group * BLOCK_WORDS * VECTOR_BYTES;
  const states = PLACES.states + group * STATE_WORDS * VECTOR_BYTES;
  return {
    on: VECTORS,
    ...hasherLocals(firstLocal),
    loadState: (index) => loadVector(number(0), states + index * VECTOR_BYTES),
    storeState: (index, value) => storeVector(number(0), states + index * VECTOR_BYTES, value),
    prepare: transposeBlocks({ addresses, firstRow: firstLocal + HASHER_LOCALS, words }),
    word: (index) => loadVector(number(0), words + index * VECTOR_BYTES),
    constant: (index) => loadVector(number(0), PLACES.constants + index * VECTOR_BYTES),
  };
}

function hasherLocals(first: number): Pick<Hasher, 'state' | 'before' | 'sum'> {
  return {
    state: [first, first + 1, first + 2, first + 3],
    before: [first + 4, first + 5, first + 6, first + 7],
    sum: first + 8,
  };
}

/** All blocks of all hashers, step by step in turn. */
function hashBlocks(
  hashers: readonly Hasher[],
  { addresses, blocks }: { readonly addresses: readonly number[]; readonly blocks: number },
): Code {
  const forEachWord = (code: (hasher: Hasher, local: number, index: number) => Code): Code =>
    hashers.map((hasher) => hasher.state.map((local, index) => code(hasher, local, index)));
  const before = ({ before: locals }: Hasher, index: number) => locals[index] ?? 0;
  return [
    forEachWord(({ loadState }, local, index) => set(local, loadState(index))),
    repeat(blocks, [
      hashers.map(({ prepare }) => prepare),
      forEachWord((hasher, local, index) => set(before(hasher, index), get(local))),
      CONSTANTS.map((_, index) => hashers.map((hasher) => step(hasher, index))),
      forEachWord((hasher, local, index) => set(local, hasher.on.add(get(local), get(before(hasher, index))))),
      addresses.map((address) => set(address, NUMBERS.add(get(address), number(BLOCK_BYTES)))),
    ]),
    forEachWord(({ storeState }, local, index) => storeState(index, get(local))),
  ];
}

/**
 * `a = b + rotateLeft(a + f(b, c, d) + word + constant)`, where the words of the state change places from step to step.
 * `b` comes from the step before, so that as little as can be waits for it.
 * Source: RFC 1321, 3.4.
 */
function step({ on, state, sum, word, constant }: Hasher, index: number): Code {
  const at = (place: number) => state[(place - index + STEPS) % STATE_WORDS] ?? 0;
  const [b, c, d] = [get(at(1)), get(at(2)), get(at(3))];
  const round = index < 16 ? 0 : index < 32 ? 1 : index < 48 ? 2 : 3;
  const { shifts, factor, offset } = ROUNDS[round];
  const known = on.add(get(at(0)), on.add(word((factor * index + offset) % BLOCK_WORDS), constant(index)));
  const mixed = {
    0: () => on.add(known, on.xor(d, on.and(b, on.xor(c, d)))),
    1: () => on.add(on.add(known, on.andNot(c, d)), on.and(d, b)),
    2: () => on.add(known, on.xor(b, on.xor(c, d))),
    3: () => on.add(known, on.xor(c, on.or(b, on.not(d)))),
  }[round]();
  const shift = shifts[index % shifts.length] ?? 0;
  return [set(sum, mixed), set(at(0), on.add(b, on.rotateLeft(get(sum), shift)))];
}

/** Puts the blocks of four lanes, which lie one by one at their addresses, into memory with the lanes side by side. */
function transposeBlocks(places: {
  readonly addresses: readonly number[];
  readonly firstRow: number;
  readonly words: number;
}): Code {
  const { addresses, firstRow, words } = places;
  const quarters = [0, 1, 2, 3].map((quarter): Code => {
    const lane = (index: number) => loadVector(get(addresses[index] ?? 0), quarter * VECTOR_BYTES);
    const row = (index: number) => get(firstRow + index);
    const pairs: readonly Code[] = [
      pickWords(lane(0), lane(1), [0, 4, 1, 5]),
      pickWords(lane(2), lane(3), [0, 4, 1, 5]),
      pickWords(lane(0), lane(1), [2, 6, 3, 7]),
      pickWords(lane(2), lane(3), [2, 6, 3, 7]),
    ];
    const transposed: readonly Code[] = [
      pickWords(row(0), row(1), [0, 1, 4, 5]),
      pickWords(row(0), row(1), [2, 3, 6, 7]),
      pickWords(row(2), row(3), [0, 1, 4, 5]),
      pickWords(row(2), row(3), [2, 3, 6, 7]),
    ];
    return [
      pairs.map((pair, index) => set(firstRow + index, pair)),
      transposed.map((word, index) => storeVector(number(0), words + (quarter * 4 + index) * VECTOR_BYTES, word)),
    ];
  });
  return quarters;
}
