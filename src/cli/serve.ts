import { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { type FlagSetting, loadConfiguration } from '../config/load.ts';
import { createLog, type Log } from '../observe/log.ts';
import { type ServeEnd, type ServingServer, serve } from '../serve.ts';
import { banner } from './banner.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfiguration,
} from './command-context.ts';
import { EXIT } from './exit-code.ts';

/** The flags that set what the file can set too: flag, value, setting, help. */
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
  ['--durability', '<mode>', 'options.durability', 'strict, or relaxed: a crash may take back writes (default strict)'],
  ['--region', '<name>', 'bucketstore.default-region', 'where new buckets are (default us-east-1)'],
] as const;

const HELP = `
Every setting can also stand in the configuration file, or in the environment: PITHOS_SERVICE_PORT sets
service.port. A flag wins over the environment, that over the file. PITHOS_ACCESS_KEY_ID and
PITHOS_SECRET_ACCESS_KEY give an access key that is valid beside those of the keystore; without them, the first
start makes one.

SIGTERM and SIGINT let running requests end; a second one ends them.

Exit codes: 0 stopped as asked, 1 stopped because storage failed or at the second signal, 2 could not start.`;

/** `pithos serve [directory]`: runs a server until it is told to stop. */
export function serveCommand(context: CommandContext): Command {
  const command = withConfiguration(new Command('serve'))
    .description('run a server on a data directory, which the first start makes')
    .addHelpText('after', HELP);
  for (const [flag, value, , help] of SETTING_FLAGS) command.option(`${flag} ${value}`, help);
  return command.action(async (directory: string | undefined, options: ConfigurationFlags) => {
    const flags = givenFlags(command.opts<Readonly<Record<string, unknown>>>());
    const { config } = await loadConfiguration(configurationSources(directory, options, flags));
    context.exitWith(await run(config, context));
  });
}

function givenFlags(options: Readonly<Record<string, unknown>>): FlagSetting[] {
  return SETTING_FLAGS.flatMap(([flag, , path]) => {
    const text = options[camelCase(flag.slice(2))];
    return typeof text === 'string' ? [{ flag, path, text }] : [];
  });
}

function camelCase(flag: string): string {
  return flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

async function run(config: Config, { terminal, stop, kill }: CommandContext): Promise<number> {
  const { level } = config.logging;
  const format = config.logging.format === 'auto' ? (terminal.isTerminal ? 'pretty' : 'json') : config.logging.format;
  const log = createLog({ level, format });
  const onReady = (server: ServingServer) => {
    if (format === 'pretty') terminal.print(banner(server));
    else log.info(startFields(server, config), 'accepting requests');
    if (config.options.durability === 'relaxed') {
      log.warn({}, 'durability is relaxed: a crash of the machine may take back writes that were acknowledged');
    }
  };
  const end = await serve({ ...config, logging: { level, format } }, { log, stop, kill, onReady });
  tellEnd(end, log);
  log.flush();
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
