/**
 * Measures S3 servers side by side: every round runs each workload on every target in turn, so that what else the
 * machine does falls on all alike. Response bodies are compared with what was stored.
 *
 *   node bench/run.ts [--seconds 5] [--rounds 3] [--only put] [--target NAME,PORT,ACCESS_KEY,SECRET_KEY,PID …]
 *
 * Without a target of that name, `pithos` is started in a temporary directory, strictly durable, with its own number
 * of worker processes. Prints medians over the rounds: requests per second, server CPU per request, latencies.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { cpuMsOfTree, load } from './cpu.ts';
import { startPithos } from './start-pithos.ts';
import { drive, MIB, makeBucket, prepare, type Target, WORKLOADS, type Workload } from './workloads.ts';

interface Measurement {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    target: { type: 'string', multiple: true, default: [] },
  },
});

await using pithos = await startPithos(availableParallelism());
const bucket = `bench-${randomBytes(4).toString('hex')}`;
const targets: readonly Target[] = [{ ...pithos.target, bucket }, ...values.target.map(parseTarget)];
const workloads = WORKLOADS.filter(({ name }) => name.includes(values.only));
const bodies = new Map(workloads.map(({ sizeBytes }) => [sizeBytes, randomBytes(sizeBytes)]));
const results = new Map<string, Measurement[]>();

for (const target of targets) {
  await makeBucket(target);
  for (const workload of workloads) {
    const puts = prepare(target, { ...workload, kind: 'put' }, bodyOf(workload));
    await drive(target, puts, { clients: workload.clients, isOver: (sent) => sent >= workload.objects });
  }
}
console.log(`load before: ${load()}`);
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const workload of workloads) {
    for (const target of targets) {
      const name = `${workload.name}|${target.name}`;
      results.set(name, [...(results.get(name) ?? []), await measure(target, workload)]);
    }
  }
}
for (const workload of workloads) printWorkload(workload);
console.log(`load after: ${load()}; the load generator ran on the same cores`);

async function measure(target: Target, workload: Workload): Promise<Measurement> {
  const requests = prepare(target, workload, bodyOf(workload));
  const beganAt = performance.now();
  const endAt = beganAt + Number(values.seconds) * 1000;
  const cpuBefore = cpuMsOfTree(target.pid);
  const durations = await drive(target, requests, {
    clients: workload.clients,
    isOver: () => performance.now() >= endAt,
  });
  const cpuMs = cpuMsOfTree(target.pid) - cpuBefore;
  const sorted = durations.sort((a, b) => a - b);
  return {
    perSecond: (durations.length * 1000) / (performance.now() - beganAt),
    cpuUs: (cpuMs * 1000) / durations.length,
    p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

function printWorkload(workload: Workload): void {
  const own = medianOf(workload, 'pithos', 'perSecond');
  for (const { name } of targets) {
    const perSecond = medianOf(workload, name, 'perSecond');
    const mib = (perSecond * workload.sizeBytes) / MIB;
    const rate = workload.sizeBytes >= MIB ? `${mib.toFixed(0)} MiB/s` : `${perSecond.toFixed(0)}/s`;
    const columns = [
      workload.name.padEnd(16),
      `c=${workload.clients}`.padEnd(5),
      name.padEnd(12),
      rate.padStart(12),
      `${medianOf(workload, name, 'cpuUs').toFixed(0)} µs CPU`.padStart(16),
      `p50 ${medianOf(workload, name, 'p50Ms').toFixed(1)} ms`.padStart(14),
      `p99 ${medianOf(workload, name, 'p99Ms').toFixed(1)} ms`.padStart(14),
      name === 'pithos' ? '' : `pithos is at ${(own / perSecond).toFixed(2)} of its rate`,
    ];
    console.log(columns.join('  '));
  }
}

function medianOf(workload: Workload, target: string, figure: keyof Measurement): number {
  const figures = (results.get(`${workload.name}|${target}`) ?? []).map((each) => each[figure]).sort((a, b) => a - b);
  return figures[Math.floor(figures.length / 2)] ?? 0;
}

function bodyOf({ sizeBytes }: Workload): Uint8Array {
  const body = bodies.get(sizeBytes);
  if (body === undefined) throw new Error(`There is no body of ${sizeBytes} bytes.`);
  return body;
}

function parseTarget(text: string): Target {
  const [name = '', port, accessKeyId = '', secretAccessKey = '', pid] = text.split(',');
  return {
    name,
    host: '127.0.0.1',
    port: Number(port),
    keys: { accessKeyId, secretAccessKey },
    pid: Number(pid),
    bucket,
  };
}
