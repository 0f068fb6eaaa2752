import { type Code, signed, unsigned } from './wasm-module.ts';

/**
 * The instructions of WebAssembly that MD5 needs, each after the code of its operands. Addresses and offsets in bytes.
 * Source: https://webassembly.github.io/spec/core/binary/instructions.html
 */

/** The prefix of all instructions on vectors. */
const SIMD = 0xfd;
/** Alignments, as powers of two. */
const ALIGNED_TO_4 = 2;
const UNALIGNED = 0;

/** Arithmetic on the words of MD5's state: on a number, or on a vector of one number a lane. */
export interface Arithmetic {
  add(left: Code, right: Code): Code;
  and(left: Code, right: Code): Code;
  /** `left & ~right`. */
  andNot(left: Code, right: Code): Code;
  or(left: Code, right: Code): Code;
  xor(left: Code, right: Code): Code;
  not(value: Code): Code;
  /** `value` is computed twice where there is no instruction for it. */
  rotateLeft(value: Code, bits: number): Code;
}

export const NUMBERS: Arithmetic = {
  add: (left, right) => [left, right, 0x6a],
  and: (left, right) => [left, right, 0x71],
  andNot: (left, right) => NUMBERS.and(left, NUMBERS.not(right)),
  or: (left, right) => [left, right, 0x72],
  xor: (left, right) => [left, right, 0x73],
  not: (value) => NUMBERS.xor(value, number(-1)),
  rotateLeft: (value, bits) => [value, number(bits), 0x77],
};

export const VECTORS: Arithmetic = {
  add: (left, right) => [left, right, SIMD, unsigned(0xae)],
  and: (left, right) => [left, right, SIMD, 0x4e],
  andNot: (left, right) => [left, right, SIMD, 0x4f],
  or: (left, right) => [left, right, SIMD, 0x50],
  xor: (left, right) => [left, right, SIMD, 0x51],
  not: (value) => [value, SIMD, 0x4d],
  rotateLeft: (value, bits) =>
    VECTORS.or([value, number(bits), SIMD, unsigned(0xab)], [value, number(32 - bits), SIMD, unsigned(0xad)]),
};

/** The vector of four words that are picked, by index, out of the eight of two vectors. */
export function pickWords(left: Code, right: Code, indices: readonly number[]): Code {
  const bytes = indices.flatMap((index) => [4 * index, 4 * index + 1, 4 * index + 2, 4 * index + 3]);
  return [left, right, SIMD, 0x0d, bytes];
}

export function number(value: number): Code {
  return [0x41, signed(value)];
}

export function get(local: number): Code {
  return [0x20, unsigned(local)];
}

export function set(local: number, value: Code): Code {
  return [value, 0x21, unsigned(local)];
}

export function loadNumber(address: Code, offset: number): Code {
  return [address, 0x28, ALIGNED_TO_4, unsigned(offset)];
}

export function storeNumber(address: Code, offset: number, value: Code): Code {
  return [address, value, 0x36, ALIGNED_TO_4, unsigned(offset)];
}

export function loadVector(address: Code, offset: number): Code {
  return [address, SIMD, 0x00, UNALIGNED, unsigned(offset)];
}

export function storeVector(address: Code, offset: number, value: Code): Code {
  return [address, value, SIMD, 0x0b, UNALIGNED, unsigned(offset)];
}

/** Runs `code` as many times as the local `count` says, at least once, and leaves zero there. */
export function repeat(count: number, code: Code): Code {
  const decremented: Code = [get(count), number(1), 0x6b, 0x22, unsigned(count)];
  return [0x03, 0x40, code, decremented, 0x0d, 0, 0x0b];
}
