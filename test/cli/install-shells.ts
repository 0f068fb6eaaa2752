import type { TestProject } from 'vitest/node';
import type { Shell } from '../../src/cli/completion-scripts.ts';
import { installDebianPrograms, type Program } from '../support/programs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly shells: Readonly<Record<Shell, Program>>;
  }
}

const DEBIAN_PACKAGES = { bash: ['bash'], zsh: ['zsh'], fish: ['fish'] } as const satisfies Record<Shell, unknown>;

/** Makes the shells available for which there are completions. One that cannot be had fails its own tests. */
export async function setup(project: TestProject): Promise<void> {
  const program = await installDebianPrograms(DEBIAN_PACKAGES);
  project.provide('shells', { bash: program('bash'), zsh: program('zsh'), fish: program('fish') });
}
