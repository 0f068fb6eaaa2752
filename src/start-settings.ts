import type { Config } from './config/config.ts';
import type { S3ServerOptions } from './http/s3-server.ts';

/**
 * Sections of the configuration file, in its names: `{ options: { 'signature-v2': true } }`. Where they name stores or a
 * data directory, `store` is not given.
 */
export type ServerSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What settings make of a server in this process. */
export interface StartSettings {
  readonly config: Config;
  /** Whether they say where the stores are. */
  readonly namesStores: boolean;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly front: S3ServerOptions['settings'];
  readonly tls: S3ServerOptions['tls'];
}

const STORES = ['keystore', 'bucketstore', 'regions', 'cassandra'];
/** What only `pithos serve` has: other processes, a log of its own, a listener for the operator. */
const NOT_HERE = ['service.workers', 'service.admin-host', 'service.admin-port', 'service.shutdown-grace', 'logging'];

/** Checks them as the configuration file is checked. Throws `ConfigurationError`; a `TypeError` for what has no place here. */
export async function readSettings(settings: ServerSettings): Promise<StartSettings> {
  const { loadConfiguration } = await import('./config/load.ts');
  const { frontSettingsOf } = await import('./front-settings-of.ts');
  for (const path of NOT_HERE) {
    const [section = '', key] = path.split('.');
    const isSet = key === undefined ? section in settings : settings[section]?.[key] !== undefined;
    if (isSet) throw new TypeError(`${path} is a setting of \`pithos serve\`, and has no place in startServer.`);
  }
  const { config } = await loadConfiguration({ settings, environment: {} });
  const { service = {}, options = {} } = settings;
  const { tls } = config.service;
  return {
    config,
    namesStores: STORES.some((section) => section in settings) || options['data-directory'] !== undefined,
    host: service['host'] === undefined ? undefined : config.service.host,
    port: service['port'] === undefined ? undefined : config.service.port,
    front: frontSettingsOf(config.options),
    tls: tls && (await (await import('./tls-pair.ts')).readTlsPair(tls)),
  };
}
