import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startOwnPithos } from '../src/bench/own-pithos.ts';
import { plotOf } from '../src/bench/plot.ts';
import { runBench } from '../src/bench/run-bench.ts';
import { tableOf } from '../src/bench/table.ts';
import type { Target } from '../src/bench/target.ts';
import { Cleanup } from '../src/cleanup.ts';
import { parsePlan } from '../src/cli/bench-flags.ts';
import { bareEnvironment } from '../src/config/bare-environment.ts';
import { Secret } from '../src/domain/secret.ts';
import { freePort } from './free-port.ts';

/**
 * Pithos beside other servers, each started here in a temporary directory of the same file system:
 * strict, relaxed and in one process where asked for, the Versity gateway, MinIO and SeaweedFS where their programs are
 * named, and what no put of a short object can do without (`bench/bare.ts`), for the workloads put-4k and put-64k alone.
 *
 *   node bench/compare.ts [--relaxed] [--one-process] [--bare] [--versity PROGRAM] [--minio PROGRAM] [--seaweedfs PROGRAM] [flags of `pithos bench`]
 */
const { values } = parseArgs({
  options: {
    relaxed: { type: 'boolean', default: false },
    'one-process': { type: 'boolean', default: false },
    bare: { type: 'boolean', default: false },
    versity: { type: 'string' },
    minio: { type: 'string' },
    seaweedfs: { type: 'string' },
    workloads: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '1' },
    concurrency: { type: 'string' },
    'list-keys': { type: 'string', default: '1000' },
    json: { type: 'string' },
    plot: { type: 'string' },
  },
});

const START_MS_MAX = 60_000;
const POLL_MS = 100;
const MAIN = new URL('../src/main.ts', import.meta.url).pathname;
const BARE = new URL('bare.ts', import.meta.url).pathname;

interface PeerPlace {
  /** Where its clients come in. */
  readonly port: number;
  /** For what it has beside that. */
  readonly otherPorts: readonly number[];
  readonly directory: string;
  readonly secret: string;
}

/** How a peer is started: its arguments and variables. */
type Peer = (at: PeerPlace) => {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

const ACCESS_KEY_ID = 'BENCHKEY';
const PEER_NAMES = ['versity', 'minio', 'seaweedfs'] as const;
type PeerName = (typeof PEER_NAMES)[number] | 'bare';
/** SeaweedFS has four servers in one process, and each a second port. */
const OTHER_PORTS = 7;
const PEERS: Readonly<Record<PeerName, Peer>> = {
  // Without the flag it ends each connection after one answer, which no other server here does.
  versity: ({ port, directory, secret }) => ({
    args: ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', 'posix', directory],
    environment: { ROOT_ACCESS_KEY: ACCESS_KEY_ID, ROOT_SECRET_KEY: secret },
  }),
  minio: ({ port, directory, secret }) => ({
    args: ['server', '--quiet', '--address', `127.0.0.1:${port}`, directory],
    environment: { MINIO_ROOT_USER: ACCESS_KEY_ID, MINIO_ROOT_PASSWORD: secret },
  }),
  // Each bucket takes some of its volumes, of which it has eight unless told.
  seaweedfs: ({
    port,
    otherPorts: [s3Grpc, master, masterGrpc, volume, volumeGrpc, filer, filerGrpc],
    directory,
    secret,
  }) => ({
    args: [
      ...['server', '-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-dir=${directory}`, '-volume.max=100', '-filer', '-s3'],
      ...[`-s3.port=${port}`, `-s3.port.grpc=${s3Grpc}`, '-s3.port.iceberg=0', '-s3.port.lance=0'],
      ...[`-master.port=${master}`, `-master.port.grpc=${masterGrpc}`, '-master.telemetry=false'],
      ...[`-volume.port=${volume}`, `-volume.port.grpc=${volumeGrpc}`],
      ...[`-filer.port=${filer}`, `-filer.port.grpc=${filerGrpc}`],
    ],
    environment: { AWS_ACCESS_KEY_ID: ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: secret },
  }),
  bare: ({ port, directory }) => ({ args: [BARE, '--port', `${port}`, '--directory', directory], environment: {} }),
};

const stop = new AbortController();
const kill = new AbortController();
process.on('SIGINT', () => (stop.signal.aborted ? kill : stop).abort());

const plan = parsePlan({ ...values, listKeys: values['list-keys'], warmUp: values['warm-up'], syncs: true });
const cleanup = new Cleanup();
try {
  const targets: Target[] = [await startPithos('pithos', [])];
  if (values.relaxed) targets.push(await startPithos('relaxed', ['--durability', 'relaxed']));
  if (values['one-process']) targets.push(await startPithos('one process', ['--workers', '1']));
  for (const name of PEER_NAMES) {
    const program = values[name];
    if (program !== undefined) targets.push(await startPeer(name, program));
  }
  if (values.bare) targets.push(await startPeer('bare', process.execPath));
  const report = await runBench(
    { ...plan, targets },
    {
      ...{ signal: stop.signal, kill: kill.signal, clock: { nowMs: () => Date.now() } },
      onProgress: (step) => console.error(step),
      onLeftover: (problem) => console.error(problem),
    },
  );
  console.log(tableOf(report));
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (values.plot !== undefined) await writeFile(values.plot, plotOf(report));
} finally {
  await cleanup.run();
}

async function startPithos(name: string, flags: readonly string[]): Promise<Target> {
  const options = { program: MAIN, environment: bareEnvironment(), flags, signal: stop.signal };
  return { ...cleanup.use(await startOwnPithos(options)).target, name };
}

async function startPeer(name: PeerName, program: string): Promise<Target> {
  const parent = await mkdtemp(join(tmpdir(), `bench-${name}-`));
  cleanup.add(() => rm(parent, { recursive: true, force: true }));
  const directory = join(parent, 'data');
  await mkdir(directory);
  const otherPorts: number[] = [];
  while (otherPorts.length < OTHER_PORTS) otherPorts.push(await freePort());
  const [port, secret] = [await freePort(), randomBytes(16).toString('hex')];
  const { args, environment } = PEERS[name]({ port, otherPorts, directory, secret });
  const peer = spawn(program, args, { stdio: 'ignore', env: { ...bareEnvironment(), ...environment } });
  await once(peer, 'spawn');
  const exited = once(peer, 'exit');
  cleanup.add(async () => {
    peer.kill('SIGTERM');
    await exited;
  });
  for (let waitedMs = 0; !(await accepts(port)); waitedMs += POLL_MS) {
    if (peer.exitCode !== null || waitedMs > START_MS_MAX) throw new Error(`${name} did not start.`);
    await delay(POLL_MS, undefined, { signal: stop.signal });
  }
  const key = { accessKeyId: ACCESS_KEY_ID, secret: new Secret(secret), sessionToken: undefined };
  const url = new URL(`http://127.0.0.1:${port}`);
  return { name, url, region: 'us-east-1', key, pid: peer.pid, isTemporary: true };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
