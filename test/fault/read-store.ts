/**
 * Reads a data directory in a process of its own, for a store that a power cut left may bring it down:
 * `node read-store.ts DIRECTORY`, with the names (`bucket/key`) as a JSON list on standard input. Prints what each holds
 * and what fsck finds, as JSON.
 */
import { text } from 'node:stream/consumers';
import { runProgram } from '../../src/cli/program.ts';
import { type RunningServer, startServer } from '../../src/start-server.ts';
import { SERVE_KEYS } from '../support/serve-process.ts';
import { presign } from '../support/sign.ts';
import { md5Of, NOTHING } from './acknowledged-writes.ts';

const [directory = ''] = process.argv.slice(2);
const names = JSON.parse(await text(process.stdin));
const contents: Record<string, string> = {};
{
  await using server = await startServer({ store: { directory }, ...SERVE_KEYS });
  for (const name of names) contents[name] = await contentOf(server, name);
}
console.log(JSON.stringify({ contents, problems: await problemsIn(directory) }));

/** What `pithos fsck --deep` complains of; nothing where it finds the directory sound. */
async function problemsIn(directory: string): Promise<string> {
  let output = '';
  const say = (text: string) => {
    output += `${text}\n`;
  };
  const { signal } = new AbortController();
  const terminal = { isTerminal: false, print: say, complain: say };
  const code = await runProgram(['fsck', '--deep', directory], { terminal, stop: signal, kill: signal });
  return code === 0 ? '' : output;
}

async function contentOf(server: RunningServer, name: string): Promise<string> {
  const request = { method: 'GET', path: `/${name}`, headers: { host: new URL(server.endpoint).host } };
  const target = presign(request, { keys: SERVE_KEYS, atMs: Date.now(), expiresSeconds: 60 });
  const response = await fetch(`${server.endpoint}${target}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status === 404) return NOTHING;
  return response.status === 200 ? md5Of(bytes) : `an answer of ${response.status}: ${bytes}`;
}
