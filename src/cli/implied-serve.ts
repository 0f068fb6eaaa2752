import { statSync } from 'node:fs';

/** What the program answers itself, without a command. */
const OWN_FLAGS = ['-h', '--help', '-V', '--version'];
/** What only a path has in it; or all of it. */
const PATH_SIGN = /[/\\]|^\.{1,2}$/;

/**
 * The command line with the `serve` that it leaves out: `pithos`, `pithos ./data`, `pithos --port 9100`. A word alone
 * is a directory where there is one; otherwise it is a command, so that a mistyped one makes no directory.
 */
export function withImpliedServe(argv: readonly string[], commands: readonly string[]): readonly string[] {
  const [first] = argv;
  if (first === undefined) return ['serve'];
  if (OWN_FLAGS.includes(first) || commands.includes(first)) return argv;
  const isServe = first.startsWith('-') || PATH_SIGN.test(first) || isDirectory(first);
  return isServe ? ['serve', ...argv] : argv;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
