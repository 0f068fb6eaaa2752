import type { AccessKeyId } from '../domain/names.ts';
import { parseAccessKeyId } from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import { nearest } from './nearest.ts';
import { environmentName, SETTING_PATHS } from './settings.ts';

/** The variable that names the configuration file. */
const FILE = 'PITHOS_CONFIGURATION';
const ACCESS_KEY_ID = 'PITHOS_ACCESS_KEY_ID';
const SECRET_ACCESS_KEY = 'PITHOS_SECRET_ACCESS_KEY';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says: only variables that start with `PITHOS_` are looked at, and each must be known. */
export interface EnvironmentSettings {
  readonly file: string | undefined;
  readonly credentials: { readonly accessKeyId: AccessKeyId; readonly secret: Secret } | undefined;
  /** By dotted path. */
  readonly values: ReadonlyMap<string, { readonly variable: string; readonly text: string }>;
  readonly problems: readonly { readonly variable: string; readonly message: string }[];
}

/** An empty variable counts as absent. */
export function readEnvironment(environment: Environment): EnvironmentSettings {
  const pathOf = new Map(SETTING_PATHS.map((path) => [environmentName(path), path]));
  const known = [...pathOf.keys(), FILE, ACCESS_KEY_ID, SECRET_ACCESS_KEY];
  const values = new Map<string, { variable: string; text: string }>();
  const problems: { variable: string; message: string }[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('PITHOS_') || text === undefined || text === '') continue;
    if (isServiceLink(variable, environment)) continue;
    const path = pathOf.get(variable);
    if (path !== undefined) {
      values.set(path, { variable, text });
    } else if (!known.includes(variable)) {
      const meant = nearest(variable, known);
      problems.push({ variable, message: `is not known${meant === undefined ? '' : `: did you mean ${meant}?`}` });
    }
  }
  const credentials = readCredentials(environment, problems);
  return { file: environment[FILE] || undefined, credentials, values, problems };
}

function readCredentials(environment: Environment, problems: { variable: string; message: string }[]) {
  const id = environment[ACCESS_KEY_ID] ?? '';
  const secret = environment[SECRET_ACCESS_KEY] ?? '';
  if (id === '' && secret === '') return undefined;
  const accessKeyId = parseAccessKeyId(id);
  if (id === '') problems.push({ variable: ACCESS_KEY_ID, message: `must be set where ${SECRET_ACCESS_KEY} is` });
  else if (accessKeyId === undefined)
    problems.push({ variable: ACCESS_KEY_ID, message: 'is not a valid access key id' });
  if (secret === '') problems.push({ variable: SECRET_ACCESS_KEY, message: `must be set where ${ACCESS_KEY_ID} is` });
  return accessKeyId === undefined || secret === '' ? undefined : { accessKeyId, secret: new Secret(secret) };
}

/**
 * Whether Kubernetes made this variable for a Service named `pithos`: beside `PITHOS_SERVICE_HOST` and
 * `PITHOS_SERVICE_PORT`, which are settings here, it sets `PITHOS_PORT` to a URL.
 * Source: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
function isServiceLink(variable: string, environment: Environment): boolean {
  if (!/^(tcp|udp|sctp):\/\//.test(environment['PITHOS_PORT'] ?? '')) return false;
  return variable === 'PITHOS_SERVICE_HOST' || /^PITHOS_(SERVICE_)?PORT(_|$)/.test(variable);
}
