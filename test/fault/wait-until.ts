import { setTimeout } from 'node:timers/promises';

const PAUSE_MS = 500;

/** Asks again, twice a second, until `isSo`; says `what` was waited for where that takes longer than `timeoutMs`. */
export async function waitUntil(
  what: string,
  isSo: () => Promise<boolean>,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<void> {
  const beganAt = performance.now();
  while (!(await isSo())) {
    if (performance.now() - beganAt > timeoutMs) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}.`);
    await setTimeout(PAUSE_MS);
  }
}
