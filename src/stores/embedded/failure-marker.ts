import { closeSync, existsSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Stands in a directory whose disk has failed to take a write. */
const MARKER_FILE = 'needs-check';

export function markerPath(directory: string): string {
  return join(directory, MARKER_FILE);
}

/** Whether a write to this directory has failed, and nothing has checked it since. */
export function isMarked(directory: string): boolean {
  return existsSync(markerPath(directory));
}

/**
 * Marks a directory for the check that `recoverDatabase` makes. Says nothing of its own failure: the disk has just
 * failed, and the process ends because of it.
 */
export function markForCheck(directory: string, reason: string): void {
  try {
    const file = openSync(markerPath(directory), 'a', 0o600);
    try {
      writeSync(file, `${reason}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // The process ends as failed either way.
  }
}
