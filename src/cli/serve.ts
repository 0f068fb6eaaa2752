import { Command } from 'commander';
import { type Config, isEventual } from '../config/config.ts';
import { type LoadedConfiguration, loadConfiguration } from '../config/load.ts';
import type { Log } from '../observe/log.ts';
import { openLogOutputs } from '../observe/log-outputs.ts';
import { createMetrics } from '../observe/metrics.ts';
import { type ServeEnd, type ServingServer, serve } from '../serve.ts';
import { banner } from './banner.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  type SettingFlag,
  withConfiguration,
  withSettingFlags,
} from './command-context.ts';
import { EXIT } from './exit-code.ts';

const SETTING_FLAGS = [
  ['--host', '<host>', 'service.host', 'where S3 clients connect (default 127.0.0.1)'],
  ['--port', '<port>', 'service.port', 'its port; 0 takes a free one (default 9000)'],
  ['--admin-host', '<host>', 'service.admin-host', 'where /health and /metrics answer (default 127.0.0.1)'],
  ['--admin-port', '<port>', 'service.admin-port', 'its port; 0 takes a free one; or off (default 9001)'],
  ['--workers', '<count>', 'service.workers', 'processes that answer requests (default: one for each core)'],
  ['--shutdown-grace', '<time>', 'service.shutdown-grace', 'what running requests get at the end (default 30s)'],
  ['--log-level', '<level>', 'logging.level', 'debug, info, warn, error or off (default info)'],
  ['--log-format', '<format>', 'logging.format', 'pretty or json (default: pretty on a terminal, else json)'],
  ['--service-uri', '<names>', 'options.service-uri', 'host names below which buckets are names too'],
  ['--public-url', '<urls>', 'options.public-url', 'what clients use where a proxy changes the host'],
  ['--trusted-proxies', '<ranges>', 'options.trusted-proxies', 'proxies that say who the client is'],
  ['--signature-v2', '<boolean>', 'options.signature-v2', 'true: accept the old signatures (default false)'],
  ['--durability', '<mode>', 'options.durability', 'strict, or relaxed: a crash may take back writes (default strict)'],
  ['--object-ownership', '<rule>', 'options.object-ownership', 'of new buckets (default ObjectWriter: ACLs count)'],
  ['--bucket', '<names>', 'options.buckets', 'make these buckets: a,b:public-read'],
  ['--tls-cert', '<file>', 'service.tls.cert', 'answer S3 over TLS, with this certificate (PEM)'],
  ['--tls-key', '<file>', 'service.tls.key', 'and this key'],
  ['--log-file', '<file>', 'logging.files', 'write the log to this file too, as JSON'],
  ['--region', '<name>', 'bucketstore.default-region', 'where new buckets are (default us-east-1)'],
] as const satisfies readonly SettingFlag[];

const HELP = `
Every setting can also stand in the configuration file, or in the environment: PITHOS_SERVICE_PORT sets
service.port. A flag wins over the environment, that over the file. PITHOS_ACCESS_KEY_ID and
PITHOS_SECRET_ACCESS_KEY give an access key that is valid beside those of the keystore; MINIO_ROOT_USER and
MINIO_ROOT_PASSWORD do too, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Without them, the first start makes one.
PITHOS_BUCKETS or S3_BUCKET name buckets to make.

With --cassandra all four stores are on that cluster, in tables that \`pithos install-schema\` makes; any number of
servers may share them.

SIGTERM and SIGINT let running requests end; a second one ends them.

Exit codes: 0 stopped as asked, 1 stopped because storage failed or at the second signal, 2 could not start.`;

/** `pithos serve [directory]`: runs a server until it is told to stop. */
export function serveCommand(context: CommandContext): Command {
  const command = withConfiguration(new Command('serve'))
    .description('run a server on a data directory, which the first start makes, or on a Cassandra cluster')
    .option('-q, --quiet', 'write nothing to standard output')
    .addHelpText('after', HELP);
  return withSettingFlags(command, SETTING_FLAGS).action(
    async (directory: string | undefined, flags: ConfigurationFlags) => {
      const loaded = await loadConfiguration(configurationSources(directory, flags, SETTING_FLAGS));
      context.exitWith(await run(loaded, context));
    },
  );
}

async function run({ config, warnings }: LoadedConfiguration, context: CommandContext): Promise<number> {
  const { terminal, stop, kill } = context;
  const format = config.logging.format === 'auto' ? (terminal.isTerminal ? 'pretty' : 'json') : config.logging.format;
  const logging = { ...config.logging, format };
  const metrics = createMetrics();
  const log = openLogOutputs(logging, { countLost: metrics.logLinesLost });
  for (const warning of warnings) log.warn({}, warning);
  const onReady = (server: ServingServer) => {
    if (format === 'pretty' && logging.console) terminal.print(banner(server));
    else log.info(startFields(server, config), 'accepting requests');
    if (config.options.durability === 'relaxed') {
      log.warn({}, 'durability is relaxed: a crash of the machine may take back writes that were acknowledged');
    }
    if (isEventual(config)) {
      log.warn({}, 'a store is eventual: reads may miss what was acknowledged, and acknowledged writes may be lost');
    }
  };
  const end = await serve({ ...config, logging }, { log, metrics, stop, kill, onReady });
  tellEnd(end, log);
  await log.flush();
  return end.kind === 'stopped' ? EXIT.ok : EXIT.found;
}

/** The same as the banner in one line for machines, but never a secret. */
function startFields(server: ServingServer, config: Config) {
  const { endpoint, adminEndpoint, region, workers, keys, environmentKey } = server;
  return {
    endpoint,
    adminEndpoint,
    region,
    workers,
    accessKeyId: (environmentKey ?? keys[0])?.accessKeyId,
    durability: config.options.durability,
    stores: Object.fromEntries(server.stores.map(({ name, store }) => [name, store.description])),
  };
}

function tellEnd(end: ServeEnd, log: Log): void {
  if (end.kind === 'stopped') log.info({}, 'stopped');
  else if (end.kind === 'killed') log.warn({}, 'stopped at once, at the second signal');
  else log.error({}, `stopped, because storage failed: ${end.message}`);
}
