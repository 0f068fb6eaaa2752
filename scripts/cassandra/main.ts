import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type CassandraNode, type ClusterSettings, openCluster, startCluster } from './cluster.ts';
import { CassandraToolsError, fetchCassandra } from './fetch.ts';

/** `npm run cassandra`: a real cluster on this machine, for development and tests. */
const directory = process.env['PITHOS_CASSANDRA_DIR'] ?? join(import.meta.dirname, '../../.cache/cassandra');
const NODES_MAX = 6;

/** What is not given is as it was when the cluster was started before, or else as `startCluster` has it. */
interface StartFlags {
  readonly dataCentres?: number;
  readonly racks?: number;
  readonly heap?: string;
  readonly durable?: 'periodic' | 'group' | 'batch';
  readonly auth?: true;
  readonly firstAddress?: string;
  readonly set?: Readonly<Record<string, unknown>>;
  readonly jvm?: readonly string[];
}

const program = new Command('cassandra')
  .enablePositionalOptions()
  .description(`A real Apache Cassandra on loopback addresses. Its files are in ${directory} (PITHOS_CASSANDRA_DIR).`);

program
  .command('fetch')
  .description('fetch the jars from Maven Central, once')
  .action(async () => console.log(await fetchCassandra()));

program
  .command('start')
  .description('start the nodes that do not run, and wait until all are up')
  .argument('[nodes]', 'how many, when the cluster is new (default: 1)', parseNodes)
  .option('--data-centres <count>', 'nodes go to dc1, dc2 … in turn (default: 1)', Number)
  .option('--racks <count>', 'racks of each data centre (default: 3)', Number)
  .option('--heap <size>', 'largest heap of a node (default: 768M)')
  .option('--durable <mode>', 'commit log sync: periodic, group or batch (default: periodic)')
  .option('--auth', 'users and passwords (cassandra, cassandra)')
  .option('--first-address <address>', 'of the first node; the others follow it (default: 127.0.0.1)')
  .option('--set <key=json>', 'a key of cassandra.yaml', parseSetting)
  .option('--jvm <argument>', 'an argument of Java', (text: string, all: readonly string[] = []) => [...all, text])
  .action(async (nodes: number | undefined, flags: StartFlags) => {
    const cluster = await startCluster({ ...settingsOf(nodes, flags), directory, isDetached: true });
    console.log(`up: ${cluster.contactPoints.join(', ')}`);
  });

command('stop', 'stop the nodes, or one of them', (node) => node.stop());
command('kill', 'end the nodes, or one of them, as by kill -9', (node) => node.kill());
command('restart', 'stop and start the nodes, or one of them', async (node) => {
  await node.stop();
  await node.start();
});
command('pause', 'hold the nodes, or one of them, where they are', (node) => node.pause());
command('resume', 'let them go on', (node) => node.resume());

program
  .command('status')
  .description('which nodes run, and what they see of each other')
  .action(async () => {
    const { nodes } = await openCluster({ directory, isDetached: true });
    for (const node of nodes) console.log(`${node.place.address}  ${node.pid() ?? 'down'}`);
    const running = nodes.find((node) => node.pid() !== undefined);
    if (running !== undefined) console.log((await running.nodetool('status')).stdout);
  });

program
  .command('nodetool')
  .description('run nodetool against a node')
  .argument('<node>', 'its number', Number)
  .argument('[args...]')
  .passThroughOptions()
  .action(async (number: number, args: readonly string[]) => {
    const node = (await openCluster({ directory, isDetached: true })).nodes[number - 1];
    if (node === undefined) throw new InvalidArgumentError(`There is no node ${number}.`);
    const { stdout, stderr, status } = await node.nodetool(...args);
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    process.exitCode = status ?? 1;
  });

program
  .command('wipe')
  .description('stop everything and delete its data')
  .action(async () => (await openCluster({ directory, isDetached: true })).wipe());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CassandraToolsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function command(name: string, description: string, act: (node: CassandraNode) => Promise<void> | void): void {
  program
    .command(name)
    .description(description)
    .argument('[node]', 'its number, from 1', Number)
    .action(async (number: number | undefined) => {
      const { nodes } = await openCluster({ directory, isDetached: true });
      const chosen = number === undefined ? nodes : nodes.filter(({ place }) => place.number === number);
      await Promise.all(chosen.map(act));
    });
}

function settingsOf(nodes: number | undefined, flags: StartFlags): Omit<ClusterSettings, 'directory'> {
  const { dataCentres, racks, heap, durable, auth, firstAddress, set, jvm } = flags;
  return {
    ...(nodes === undefined ? {} : { nodes }),
    ...(dataCentres === undefined ? {} : { dataCentres }),
    ...(racks === undefined ? {} : { racks }),
    ...(heap === undefined ? {} : { heap }),
    ...(durable === undefined ? {} : { commitLogSync: durable }),
    ...(auth === undefined ? {} : { hasAuthentication: auth }),
    ...(firstAddress === undefined ? {} : { firstAddress }),
    ...(set === undefined ? {} : { settings: set }),
    ...(jvm === undefined ? {} : { jvmArguments: jvm }),
  };
}

function parseNodes(text: string): number {
  const nodes = Number(text);
  if (Number.isInteger(nodes) && nodes >= 1 && nodes <= NODES_MAX) return nodes;
  throw new InvalidArgumentError(`1 to ${NODES_MAX} nodes.`);
}

function parseSetting(text: string, all: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const [, key, json] = /^([a-z0-9_]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || json === undefined) throw new InvalidArgumentError('key=json');
  return { ...all, [key]: JSON.parse(json) };
}
