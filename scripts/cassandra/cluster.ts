import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CassandraToolsError, fetchCassandra, installTools } from './fetch.ts';
import {
  type ClusterLayout,
  CQL_PORT,
  type NodePlace,
  nodetoolArguments,
  placeOf,
  writeNodeFiles,
} from './node-files.ts';
import { unwatch, watch } from './watchdog.ts';

export type ClusterSettings = Partial<Omit<ClusterLayout, 'jars' | 'directory'>> & {
  readonly directory: string;
  /** Whether the nodes go on when this process ends. */
  readonly isDetached?: boolean;
};

/** What nodetool answered. */
export interface NodetoolResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const START_MS_MAX = 240_000;
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;
const STOP_MS_MAX = 60_000;
const POLL_MS = 100;
/** OPTIONS of protocol 4, and the opcode of its answer: SUPPORTED. */
const OPTIONS_FRAME = Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0]);
const SUPPORTED = 6;

/** A cluster of real nodes on loopback addresses, and its files in one directory. */
export class CassandraCluster implements AsyncDisposable {
  readonly nodes: readonly CassandraNode[];
  readonly layout: ClusterLayout;

  constructor(layout: ClusterLayout, isDetached: boolean) {
    this.layout = layout;
    this.nodes = Array.from(
      { length: layout.nodes },
      (_, index) => new CassandraNode(layout, placeOf(layout, index + 1), isDetached),
    );
  }

  get contactPoints(): readonly string[] {
    return this.nodes.map(({ place }) => `${place.address}:${CQL_PORT}`);
  }

  /** Starts what does not run, and waits until every node sees every other. */
  async start(): Promise<void> {
    const [seed, ...others] = this.nodes;
    if (seed === undefined) return;
    const isFresh = !existsSync(join(seed.place.directory, 'data', 'system'));
    await seed.launch();
    // The others find it at their first round of gossip.
    if (isFresh && others.length > 0) await seed.untilReady();
    await Promise.all(others.map((node) => node.launch()));
    await Promise.all(this.nodes.map((node) => node.untilReady()));
    await this.untilAllUp();
  }

  async untilAllUp(): Promise<void> {
    const running = this.nodes.filter((node) => node.pid() !== undefined);
    for (const node of running) await node.untilSees(running.length);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async wipe(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await rm(this.layout.directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.wipe();
  }
}

/** One node: a Java process, its address and its files. */
export class CassandraNode {
  readonly place: NodePlace;
  readonly #layout: ClusterLayout;
  readonly #isDetached: boolean;

  constructor(layout: ClusterLayout, place: NodePlace, isDetached: boolean) {
    this.#layout = layout;
    this.place = place;
    this.#isDetached = isDetached;
  }

  /** The process of this node, if it runs: no other process is ever signalled. */
  pid(): number | undefined {
    try {
      const pid = Number(readFileSync(this.#pidFile(), 'utf8'));
      const isOurs = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.#argumentFile());
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const isZombie = stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
      return isOurs && !isZombie ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  async launch(): Promise<void> {
    if (this.pid() !== undefined) return;
    await writeNodeFiles(this.#layout, this.place);
    const log = openSync(join(this.place.directory, 'logs', 'stdout.log'), 'a');
    const child = spawn('java', [`@${this.#argumentFile()}`], {
      cwd: this.place.directory,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    if (child.pid === undefined) throw new Error('java could not be started.');
    await writeFile(this.#pidFile(), String(child.pid));
    child.unref();
    if (this.#isDetached) return;
    const { pid } = child;
    watch(pid);
    child.on('exit', () => unwatch(pid));
  }

  /** Waits until the node answers clients. */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + START_MS_MAX;
    while (!(await answers(this.place.address))) {
      if (this.pid() === undefined) throw new Error(`Node ${this.place.number} ended: ${await this.lastLines()}`);
      if (performance.now() > deadline) throw new Error(`Node ${this.place.number} does not answer.`);
      await sleep(POLL_MS);
    }
  }

  /** Waits until the node sees so many nodes that are up, itself among them; a look starts a Java process. */
  async untilSees(count: number): Promise<void> {
    const deadline = performance.now() + START_MS_MAX;
    while (countUp((await this.nodetool('status')).stdout) < count) {
      if (performance.now() > deadline) throw new Error(`Node ${this.place.number} does not see all others.`);
      await sleep(POLL_MS);
    }
  }

  /** Starts the node again after it was stopped or killed. */
  async start(): Promise<void> {
    await this.launch();
    await this.untilReady();
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  pause(): void {
    const pid = this.pid();
    if (pid !== undefined) signalProcess(pid, 'SIGSTOP');
  }

  resume(): void {
    const pid = this.pid();
    if (pid !== undefined) signalProcess(pid, 'SIGCONT');
  }

  /** Runs nodetool against this node; whatever it says, resolves when it has ended. */
  nodetool(...args: readonly string[]): Promise<NodetoolResult> {
    const command = [...nodetoolArguments(this.#layout, this.place), ...args];
    return new Promise((resolve) => {
      const child = execFile('java', command, { maxBuffer: OUTPUT_BYTES_MAX }, (_, stdout, stderr) => {
        resolve({ status: child.exitCode, stdout, stderr });
      });
    });
  }

  async lastLines(): Promise<string> {
    const lines: string[] = [];
    for (const name of ['stdout.log', 'system.log']) {
      const text = await readFile(join(this.place.directory, 'logs', name), 'utf8').catch(() => '');
      lines.push(...text.trimEnd().split('\n').slice(-8));
    }
    return lines.join('\n');
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const pid = this.pid();
    if (pid === undefined) return;
    signalProcess(pid, signal);
    const deadline = performance.now() + STOP_MS_MAX;
    while (this.pid() !== undefined) {
      if (performance.now() > deadline) signalProcess(pid, 'SIGKILL');
      await sleep(POLL_MS / 2);
    }
    await rm(this.#pidFile(), { force: true });
  }

  #pidFile(): string {
    return join(this.place.directory, 'pid');
  }

  #argumentFile(): string {
    return join(this.place.directory, 'conf', 'java.args');
  }
}

/** Starts a cluster; a layout that was started before in this directory is taken up again. */
export async function startCluster(settings: ClusterSettings): Promise<CassandraCluster> {
  const cluster = await openCluster(settings);
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** The cluster of a directory, whether it runs or not. */
export async function openCluster({ isDetached = false, ...settings }: ClusterSettings): Promise<CassandraCluster> {
  installTools();
  const file = join(settings.directory, 'cluster.json');
  const before = existsSync(file) ? parseLayout(await readFile(file, 'utf8')) : {};
  const change = changeOfShape(before, settings);
  if (change !== undefined) throw new CassandraToolsError(change);
  const layout: ClusterLayout = {
    firstAddress: '127.0.0.1',
    nodes: 1,
    dataCentres: 1,
    racks: 3,
    heap: '768M',
    commitLogSync: 'periodic',
    hasAuthentication: false,
    settings: {},
    jvmArguments: [],
    ...before,
    ...settings,
    jars: await fetchCassandra(),
  };
  const cluster = new CassandraCluster(layout, isDetached);
  for (const { place } of cluster.nodes) await writeNodeFiles(layout, place);
  await writeFile(file, `${JSON.stringify(layout, null, 2)}\n`);
  return cluster;
}

function parseLayout(json: string): Partial<ClusterLayout> {
  return JSON.parse(json) as Partial<ClusterLayout>;
}

/** Why a cluster cannot become what is asked for: its nodes have their tokens, racks and addresses for good. */
export function changeOfShape(
  before: Partial<ClusterLayout>,
  after: Partial<ClusterLayout> & { readonly directory: string },
): string | undefined {
  for (const key of ['nodes', 'dataCentres', 'racks', 'firstAddress'] as const) {
    const [was, becomes] = [before[key], after[key]];
    if (was === undefined || becomes === undefined || was === becomes) continue;
    return `The cluster in ${after.directory} was started with ${key} ${was}, not ${becomes}: start it without saying so, or wipe it first.`;
  }
  return undefined;
}

/** Nodes that are up and normal, as `nodetool status` shows them. */
export function countUp(status: string): number {
  return [...status.matchAll(/^UN\s/gm)].length;
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: CQL_PORT });
    const end = (isReady: boolean): void => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(2_000, () => end(false));
    socket.on('connect', () => socket.write(OPTIONS_FRAME));
    socket.on('data', (frame) => end(frame[4] === SUPPORTED));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
  });
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
