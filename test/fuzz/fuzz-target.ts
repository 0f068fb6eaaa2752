import type { Dice } from './dice.ts';

/** One parser under random input. */
export interface FuzzTarget {
  readonly name: string;
  /** An input, mostly right; where it stands for bytes, one character each. */
  make(dice: Dice): string;
  /** Throws where the parser did anything but give a right value or throw an error of its own kind. */
  check(input: string): void | Promise<void>;
  /** Called before the first case, where the cases need something that runs. */
  begin?(): Promise<FuzzSession>;
}

/** What the cases of one run share; disposing of it ends it. */
export interface FuzzSession extends AsyncDisposable {
  /** Called after the last case; throws where the cases left something behind. */
  finish(): Promise<void>;
}

/** Whether an error of a parser is one that it may throw. */
export type IsNamed = (error: unknown) => boolean;

/** Calls `parse`; `undefined` where it threw an error that `isNamed` knows. Any other goes on. */
export async function attempt<Value>(
  parse: () => Value | Promise<Value>,
  isNamed: IsNamed,
): Promise<Value | undefined> {
  try {
    return await parse();
  } catch (error) {
    if (isNamed(error)) return undefined;
    throw error;
  }
}

/** Throws unless `holds`. */
export function demand(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(sentence);
}
