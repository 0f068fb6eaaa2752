/** What the exit codes of each command mean; `--help` says it too. */
export const EXIT = { ok: 0, found: 1, couldNotRun: 2 } as const;

/** A mistake of the user's, or of the world, in one line and without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
