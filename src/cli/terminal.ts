import { printable } from '../observe/printable.ts';

/** Where a command reads and writes; tests bring their own. */
export interface Terminal {
  /** Writes to standard output. */
  print(text: string): void;
  /** Writes one line to standard error. */
  complain(line: string): void;
  readonly isTerminal: boolean;
}

/** Prints one line, whatever names and messages of others it holds. */
export function printLine(terminal: Terminal, line: string): void {
  terminal.print(`${printable(line)}\n`);
}

/** The terminal of this process. */
export interface ProcessTerminal extends Terminal {
  /** Resolves, once standard output has taken what was printed, with whether it took all of it. */
  printed(): Promise<boolean>;
}

/**
 * What standard output does not take, such as a full disk, is complained of once; a reader that has gone wants no more,
 * and that is all right. Neither ends the command.
 */
export function openProcessTerminal(): ProcessTerminal {
  const { stdout, stderr } = process;
  let isWhole = true;
  let lastPrint = Promise.resolve();
  const complain = (line: string) => void stderr.write(`${line}\n`);
  stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || !isWhole) return;
    isWhole = false;
    complain(`pithos: standard output cannot be written to: ${message}.`);
  });
  stderr.on('error', () => undefined);
  return {
    print: (text) => {
      lastPrint = new Promise((resolve) => stdout.write(text, () => resolve()));
    },
    complain,
    isTerminal: stdout.isTTY,
    printed: async () => {
      await lastPrint;
      return isWhole;
    },
  };
}
