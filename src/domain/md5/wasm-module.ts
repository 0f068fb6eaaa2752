/** Instructions in the order they run: the bytes that the binary format has for them, in parts of parts. */
export type Code = readonly (number | Code | Uint8Array)[];

/** Types of values. Source: https://webassembly.github.io/spec/core/binary/types.html */
const TYPES = { i32: 0x7f, v128: 0x7b } as const;
const MAGIC_AND_VERSION: Code = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const SECTIONS = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const FUNCTION_TYPE = 0x60;
const KINDS = { function: 0x00, memory: 0x02 } as const;
const NO_MAXIMUM = 0x00;
const END = 0x0b;

/** A function that takes 32-bit numbers, its first locals, and gives nothing back. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  /** The types of the locals after the parameters; all begin as zero. */
  readonly locals: readonly (keyof typeof TYPES)[];
  readonly code: Code;
}

/**
 * A module that exports `functions`, and imports `memory.memory` of at least `pages` pages of 64 KiB.
 * Source: https://webassembly.github.io/spec/core/binary/modules.html
 */
export function wasmModule(functions: readonly WasmFunction[], pages: number): Uint8Array<ArrayBuffer> {
  return bytesOf([
    MAGIC_AND_VERSION,
    section(SECTIONS.type, functions.map(functionType)),
    section(SECTIONS.import, [[text('memory'), text('memory'), KINDS.memory, NO_MAXIMUM, unsigned(pages)]]),
    section(
      SECTIONS.function,
      functions.map((_, index) => unsigned(index)),
    ),
    section(
      SECTIONS.export,
      functions.map(({ name }, index) => [text(name), KINDS.function, unsigned(index)]),
    ),
    section(SECTIONS.code, functions.map(functionBody)),
  ]);
}

/** A number from 0 to 2^31 - 1 in LEB128. */
export function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >> 7)];
}

/** A number from -2^31 to 2^31 - 1 in LEB128. */
export function signed(value: number): Code {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

function functionType({ parameters }: WasmFunction): Code {
  return [FUNCTION_TYPE, list(new Array(parameters).fill(TYPES.i32)), list([])];
}

function functionBody({ locals, code }: WasmFunction): Code {
  return sized([list(locals.map((type) => [1, TYPES[type]])), code, END]);
}

function section(id: number, entries: Code): Code {
  return [id, sized(list(entries))];
}

/** Entries after their number. */
function list(entries: Code): Code {
  return [unsigned(entries.length), entries];
}

/** Bytes after their number. */
function sized(code: Code): Code {
  const bytes = bytesOf(code);
  return [unsigned(bytes.length), bytes];
}

function text(value: string): Code {
  return sized([Buffer.from(value)]);
}

function bytesOf(code: Code): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(code));
  write(code, { bytes, at: 0 });
  return bytes;
}

function lengthOf(code: Code): number {
  let length = 0;
  for (const part of code) {
    if (typeof part === 'number') length += 1;
    else length += part instanceof Uint8Array ? part.length : lengthOf(part);
  }
  return length;
}

/** Writes the code from `at` on and gives back where it ends. */
function write(code: Code, { bytes, at }: { readonly bytes: Uint8Array; readonly at: number }): number {
  let end = at;
  for (const part of code) {
    if (typeof part === 'number') {
      bytes[end] = part;
      end += 1;
    } else if (part instanceof Uint8Array) {
      bytes.set(part, end);
      end += part.length;
    } else {
      end = write(part, { bytes, at: end });
    }
  }
  return end;
}
