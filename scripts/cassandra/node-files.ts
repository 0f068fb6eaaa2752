import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How a cluster is laid out, and what its nodes are told. */
export interface ClusterLayout {
  readonly directory: string;
  readonly jars: string;
  /** The address of the first node; the others follow it. */
  readonly firstAddress: string;
  readonly nodes: number;
  /** Nodes go to them in turn. */
  readonly dataCentres: number;
  /** Racks of each data centre; nodes go to them in turn. */
  readonly racks: number;
  readonly heap: string;
  readonly commitLogSync: 'periodic' | 'group' | 'batch';
  readonly hasAuthentication: boolean;
  /** Further keys of cassandra.yaml. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly jvmArguments: readonly string[];
}

/** One node: its number counts from 1. */
export interface NodePlace {
  readonly number: number;
  readonly address: string;
  readonly jmxPort: number;
  readonly directory: string;
  readonly dataCentre: string;
  readonly rack: string;
  readonly tokens: readonly string[];
}

export const CQL_PORT = 9042;
/**
 * Arguments of Java for a node that lives for minutes: without the second compiler it takes half of the processor until
 * it answers (measured: 6.6 s, not 12.3 s), and more for each request once it is warm.
 */
export const SHORT_LIVED: readonly string[] = ['-XX:TieredStopAtLevel=1'];
const STORAGE_PORT = 7000;
const JMX_PORT_BASE = 17_000;
const TOKENS_PER_NODE = 4;
/** Murmur3 tokens go from -2^63 to 2^63 - 1. */
const TOKEN_MIN = -(2n ** 63n);
const TOKENS = 2n ** 64n;

/** Where a node is, and which parts of the ring are its. */
export function placeOf(layout: ClusterLayout, number: number): NodePlace {
  const { firstAddress, nodes, dataCentres, racks, directory } = layout;
  const last = Number(firstAddress.slice(firstAddress.lastIndexOf('.') + 1)) + number - 1;
  const index = number - 1;
  return {
    number,
    address: `${firstAddress.slice(0, firstAddress.lastIndexOf('.'))}.${last}`,
    jmxPort: JMX_PORT_BASE + last,
    directory: join(directory, `node${number}`),
    dataCentre: `dc${(index % dataCentres) + 1}`,
    rack: `rack${(Math.floor(index / dataCentres) % racks) + 1}`,
    tokens: tokensOf(index, nodes),
  };
}

/** Evenly spread: neighbours on the ring are different nodes, and every node owns as much as every other. */
export function tokensOf(index: number, nodes: number): readonly string[] {
  const slots = BigInt(nodes * TOKENS_PER_NODE);
  return Array.from({ length: TOKENS_PER_NODE }, (_, turn) => {
    const slot = BigInt(turn * nodes + index);
    // The smallest token of all is reserved.
    return (TOKEN_MIN + 1n + (slot * TOKENS) / slots).toString();
  });
}

/** Writes what a node reads when it starts. */
export async function writeNodeFiles(layout: ClusterLayout, place: NodePlace): Promise<void> {
  const { directory } = place;
  for (const name of ['conf', 'data', 'commitlog', 'hints', 'saved_caches', 'cdc_raw', 'logs', 'tmp']) {
    await mkdir(join(directory, name), { recursive: true });
  }
  const conf = join(directory, 'conf');
  const yaml = Object.entries(settingsOf(layout, place)).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  await writeFile(join(conf, 'cassandra.yaml'), `${yaml.join('\n')}\n`);
  await writeFile(join(conf, 'cassandra-rackdc.properties'), `dc=${place.dataCentre}\nrack=${place.rack}\n`);
  await writeFile(join(conf, 'logback.xml'), logbackOf(directory));
  const quoted = javaArguments(layout, place).map(
    (text) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  );
  await writeFile(join(conf, 'java.args'), quoted.join('\n'));
}

/** cassandra.yaml: JSON values are YAML values. */
export function settingsOf(layout: ClusterLayout, { address, directory, tokens }: NodePlace): Record<string, unknown> {
  const syncs = {
    periodic: { commitlog_sync: 'periodic', commitlog_sync_period: '10000ms' },
    group: { commitlog_sync: 'group', commitlog_sync_group_window: '10ms' },
    batch: { commitlog_sync: 'batch' },
  };
  return {
    cluster_name: 'pithos',
    num_tokens: tokens.length,
    initial_token: tokens.join(','),
    auto_bootstrap: false,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `${layout.firstAddress}:${STORAGE_PORT}` }],
      },
    ],
    endpoint_snitch: 'GossipingPropertyFileSnitch',
    listen_address: address,
    storage_port: STORAGE_PORT,
    rpc_address: address,
    native_transport_port: CQL_PORT,
    data_file_directories: [join(directory, 'data')],
    commitlog_directory: join(directory, 'commitlog'),
    saved_caches_directory: join(directory, 'saved_caches'),
    hints_directory: join(directory, 'hints'),
    cdc_raw_directory: join(directory, 'cdc_raw'),
    ...syncs[layout.commitLogSync],
    commitlog_segment_size: '32MiB',
    commitlog_total_space: '1024MiB',
    auto_snapshot: false,
    hinted_handoff_enabled: true,
    hints_flush_period: '1s',
    paxos_variant: 'v2',
    phi_convict_threshold: 10,
    memtable_allocation_type: 'offheap_objects',
    concurrent_reads: 16,
    concurrent_writes: 16,
    concurrent_compactors: 1,
    compaction_throughput: '64MiB/s',
    // Tests share few cores; a timeout makes a write ambiguous.
    read_request_timeout: '10s',
    range_request_timeout: '15s',
    write_request_timeout: '10s',
    cas_contention_timeout: '5s',
    truncate_request_timeout: '60s',
    request_timeout: '15s',
    ...(layout.hasAuthentication
      ? {
          authenticator: 'PasswordAuthenticator',
          authorizer: 'CassandraAuthorizer',
          role_manager: 'CassandraRoleManager',
        }
      : {}),
    ...layout.settings,
  };
}

function javaArguments(layout: ClusterLayout, { directory, jmxPort }: NodePlace): readonly string[] {
  const { jars, heap, jvmArguments } = layout;
  const conf = join(directory, 'conf');
  const agent = readdirSync(jars).find((name) => /^jamm-.*\.jar$/.test(name)) ?? 'jamm.jar';
  return [
    '-Xms256M',
    `-Xmx${heap}`,
    `-XX:MaxDirectMemorySize=${heap}`,
    '-Xss512k',
    '-XX:+UseG1GC',
    // Else every buffer of a chunk is an allocation of its own kind.
    '-XX:G1HeapRegionSize=8m',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    ...OPEN_MODULES,
    `-javaagent:${join(jars, agent)}`,
    '-Djdk.attach.allowAttachSelf=true',
    '-Djava.net.preferIPv4Stack=true',
    '-Dio.netty.tryReflectionSetAccessible=true',
    `-Djava.io.tmpdir=${join(directory, 'tmp')}`,
    `-Djna.tmpdir=${join(directory, 'tmp')}`,
    `-Dcassandra.config=file://${join(conf, 'cassandra.yaml')}`,
    `-Dcassandra-rackdc.properties=file://${join(conf, 'cassandra-rackdc.properties')}`,
    `-Dlogback.configurationFile=${join(conf, 'logback.xml')}`,
    `-Dcassandra.storagedir=${directory}`,
    `-Dcassandra.logdir=${join(directory, 'logs')}`,
    `-Dcassandra.jmx.local.port=${jmxPort}`,
    // Nodes that are empty have nothing to wait for.
    '-Dcassandra.ring_delay_ms=5000',
    '-Dcassandra.superuser_setup_delay_ms=0',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    // Lets a test read what one replica has.
    '-Dcassandra.enable_nodelocal_queries=true',
    ...jvmArguments,
    '-cp',
    `${conf}:${join(jars, '*')}`,
    'org.apache.cassandra.service.CassandraDaemon',
  ];
}

/** The arguments of nodetool for a node. */
export function nodetoolArguments({ jars }: ClusterLayout, { directory, jmxPort }: NodePlace): readonly string[] {
  const conf = join(directory, 'conf');
  return [
    '-Xmx128m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    ...OPEN_MODULES,
    `-Dcassandra.storagedir=${directory}`,
    `-Dcassandra.config=file://${join(conf, 'cassandra.yaml')}`,
    `-Dlogback.configurationFile=${join(conf, 'logback.xml')}`,
    '-cp',
    `${conf}:${join(jars, '*')}`,
    'org.apache.cassandra.tools.NodeTool',
    '-h',
    '127.0.0.1',
    '-p',
    String(jmxPort),
  ];
}

/** What Cassandra uses of the inside of Java 17. */
const OPEN_MODULES = [
  ...[
    'java.base/jdk.internal.misc',
    'java.base/java.lang.ref',
    'java.management.rmi/com.sun.jmx.remote.internal.rmi',
    'java.rmi/sun.rmi.registry',
    'java.rmi/sun.rmi.server',
    'java.sql/java.sql',
    'jdk.unsupported/sun.misc',
    'jdk.compiler/com.sun.tools.javac.file',
    'jdk.attach/sun.tools.attach',
  ].map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...[
    'java.base/java.io',
    'java.base/java.lang',
    'java.base/java.lang.module',
    'java.base/java.lang.reflect',
    'java.base/java.util',
    'java.base/java.nio',
    'java.base/sun.nio.ch',
    'java.base/jdk.internal.loader',
    'java.base/jdk.internal.math',
    'java.base/jdk.internal.module',
    'java.base/jdk.internal.ref',
    'java.base/jdk.internal.reflect',
    'java.base/jdk.internal.util.jar',
    'jdk.compiler/com.sun.tools.javac',
    'jdk.management/com.sun.management.internal',
  ].map((name) => `--add-opens=${name}=ALL-UNNAMED`),
];

function logbackOf(directory: string): string {
  return `<configuration>
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>${join(directory, 'logs', 'system.log')}</file>
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="FILE"/></root>
</configuration>
`;
}
