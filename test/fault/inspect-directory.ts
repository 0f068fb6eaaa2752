import { execFile } from 'node:child_process';
import type { Durability } from '../../src/config/config.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { type OpenStores, openStores } from '../../src/server.ts';
import { withoutUserSettings } from '../support/serve-process.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

export interface FsckResult {
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs `pithos fsck --deep`, as a user does. */
export function runFsck(directory: string): Promise<FsckResult> {
  return new Promise((resolve) => {
    const command = [MAIN, 'fsck', '--deep', directory];
    const fsck = execFile(process.execPath, command, { env: withoutUserSettings(process.env) }, (_, out, error) => {
      resolve({ exitCode: fsck.exitCode, output: out + error });
    });
  });
}

/** Opens the stores of a data directory in this process, beside a server that may run. */
export async function openDirectory(directory: string, durability: Durability = 'strict'): Promise<OpenStores> {
  const flags = [
    { flag: 'the directory', path: 'options.data-directory', text: directory },
    { flag: 'the durability', path: 'options.durability', text: durability },
  ];
  const { config } = await loadConfiguration({ environment: {}, flags });
  return await openStores(config);
}

/** Blobs that have bytes in a data directory, and blobs that versions and parts refer to. */
export interface BlobsInUse {
  readonly stored: ReadonlySet<string>;
  readonly referenced: ReadonlySet<string>;
}

export async function blobsOf(directory: string): Promise<BlobsInUse> {
  await using stores = await openDirectory(directory);
  const signal = AbortSignal.timeout(60_000);
  const stored = new Set<string>();
  const referenced = new Set<string>();
  for (const { meta, blobs } of stores.regions.values()) {
    for await (const { id } of meta.scanReferences({ signal })) referenced.add(id);
    for (const blobstore of blobs.values()) for await (const { id } of blobstore.list({ signal })) stored.add(id);
  }
  return { stored, referenced };
}
