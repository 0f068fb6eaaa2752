/**
 * Opens the folders that power cuts left as a server that starts does, and says what is wrong with each. Runs as a
 * child process, for a store that is not sound may bring its process down: takes `StateQuestion`s as messages, one
 * after the other, and answers each with a list of sentences.
 */
import { lockDataDirectory, prepareDataDirectory } from '../../../src/data-directory.ts';
import { recoverDirectories } from '../../../src/server.ts';
import { openDirectory } from '../inspect-directory.ts';
import { findUnaccounted } from './find-unaccounted.ts';
import { findUnexpected } from './find-unexpected.ts';
import type { Expectation } from './load-history.ts';

export interface StateQuestion {
  readonly directory: string;
  readonly expected: Expectation;
}

process.on('message', async (question: StateQuestion) => {
  process.send?.(await problemsOf(question));
});
process.on('disconnect', () => process.exit());

async function problemsOf({ directory, expected }: StateQuestion): Promise<readonly string[]> {
  try {
    await prepareDataDirectory(directory);
    await using _lock = await lockDataDirectory(directory);
    await recoverDirectories([directory]);
    await using stores = await openDirectory(directory);
    const options = { signal: AbortSignal.timeout(60_000) };
    return [...(await findUnexpected(stores, expected, options)), ...(await findUnaccounted(stores, options))];
  } catch (error) {
    return [`The store cannot be opened and read: ${error instanceof Error ? error.stack : String(error)}`];
  }
}
