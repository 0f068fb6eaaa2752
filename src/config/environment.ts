import type { AccessKeyId } from '../domain/names.ts';
import { parseAccessKeyId } from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import { nearest } from './nearest.ts';
import { environmentName, SETTING_PATHS } from './setting-paths.ts';

/** The variable that names the configuration file. */
const FILE = 'PITHOS_CONFIGURATION';
/**
 * The pairs that give an access key, the first that is there: our own, MinIO's, so that its compose files move over, and
 * the one that clients have.
 */
const KEY_PAIRS: readonly (readonly [id: string, secret: string])[] = [
  ['PITHOS_ACCESS_KEY_ID', 'PITHOS_SECRET_ACCESS_KEY'],
  ['MINIO_ROOT_USER', 'MINIO_ROOT_PASSWORD'],
  ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
];
/** Beside it, what AWS_ACCESS_KEY_ID names is a session of AWS, and no key of its own. */
const SESSION_TOKEN = 'AWS_SESSION_TOKEN';
/** Short names of settings, as other servers' compose files have them. */
const ALIASES: Readonly<Record<string, string>> = { PITHOS_BUCKETS: 'options.buckets', S3_BUCKET: 'options.buckets' };

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says: of variables that start with `PITHOS_` each must be known; others are looked at by name. */
export interface EnvironmentSettings {
  readonly file: string | undefined;
  readonly credentials: EnvironmentKey | undefined;
  /** By dotted path. */
  readonly values: ReadonlyMap<string, { readonly variable: string; readonly text: string }>;
  readonly problems: readonly { readonly variable: string; readonly message: string }[];
}

export interface EnvironmentKey {
  readonly accessKeyId: AccessKeyId;
  readonly secret: Secret;
  /** The variable that has the secret. */
  readonly secretVariable: string;
}

/** An empty variable counts as absent. */
export function readEnvironment(environment: Environment): EnvironmentSettings {
  const pathOf = new Map(SETTING_PATHS.map((path) => [environmentName(path), path]));
  const known = [...pathOf.keys(), ...Object.keys(ALIASES), FILE, ...(KEY_PAIRS[0] ?? [])].filter(isOurs);
  const services = linkedServices(environment);
  const values = new Map<string, { variable: string; text: string }>();
  const problems: { variable: string; message: string }[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || text === '') continue;
    if (!isOurs(variable) || variable in ALIASES) continue;
    if (services.some((service) => isServiceLink(variable, service))) continue;
    const path = pathOf.get(variable);
    if (path !== undefined) {
      values.set(path, { variable, text });
    } else if (!known.includes(variable)) {
      const meant = nearest(variable, known);
      problems.push({ variable, message: `is not known${meant === undefined ? '' : `: did you mean ${meant}?`}` });
    }
  }
  for (const [variable, path] of Object.entries(ALIASES)) {
    const text = environment[variable] ?? '';
    if (text !== '' && !values.has(path)) values.set(path, { variable, text });
  }
  const credentials = readCredentials(environment, problems);
  return { file: environment[FILE] || undefined, credentials, values, problems };
}

function isOurs(variable: string): boolean {
  return variable.startsWith('PITHOS_');
}

function readCredentials(
  environment: Environment,
  problems: { variable: string; message: string }[],
): EnvironmentKey | undefined {
  for (const [idVariable, secretVariable] of KEY_PAIRS) {
    const id = environment[idVariable] ?? '';
    const secret = environment[secretVariable] ?? '';
    const isSession = idVariable.startsWith('AWS_') && (environment[SESSION_TOKEN] ?? '') !== '';
    if ((id === '' && secret === '') || isSession) continue;
    const accessKeyId = parseAccessKeyId(id);
    if (id === '') problems.push({ variable: idVariable, message: `must be set where ${secretVariable} is` });
    else if (accessKeyId === undefined)
      problems.push({ variable: idVariable, message: 'is not a valid access key id' });
    if (secret === '') problems.push({ variable: secretVariable, message: `must be set where ${idVariable} is` });
    if (accessKeyId === undefined || secret === '') return undefined;
    return { accessKeyId, secret: new Secret(secret), secretVariable };
  }
  return undefined;
}

/**
 * The names of the Services that Kubernetes tells of: for one named `pithos` it sets `PITHOS_PORT` to a URL, beside
 * `PITHOS_SERVICE_HOST` and `PITHOS_SERVICE_PORT`, which are settings here.
 * Source: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
function linkedServices(environment: Environment): readonly string[] {
  return Object.entries(environment).flatMap(([variable, text]) => {
    const service = /^(?<service>PITHOS(_.*)?)_PORT$/.exec(variable)?.groups?.['service'];
    return service !== undefined && /^(tcp|udp|sctp):\/\//.test(text ?? '') ? [service] : [];
  });
}

/** Whether Kubernetes made this variable for that Service. */
function isServiceLink(variable: string, service: string): boolean {
  if (!variable.startsWith(`${service}_`)) return false;
  const rest = variable.slice(service.length + 1);
  return rest === 'SERVICE_HOST' || /^(SERVICE_)?PORT(_|$)/.test(rest);
}
