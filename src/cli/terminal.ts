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

export const processTerminal: Terminal = {
  print: (text) => void process.stdout.write(text),
  complain: (line) => void process.stderr.write(`${line}\n`),
  isTerminal: process.stdout.isTTY,
};
