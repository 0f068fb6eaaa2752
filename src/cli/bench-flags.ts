import { existsSync } from 'node:fs';
import type { BenchPlan } from '../bench/run-bench.ts';
import type { Target } from '../bench/target.ts';
import { allWorkloads, selectWorkloads } from '../bench/workloads.ts';
import { parseRegionName } from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import type { EndpointKey } from '../s3-client/sign-request.ts';
import { CommandError } from './exit-code.ts';
import { parseCount } from './import-flags.ts';

const SECONDS_MIN = 0.1;
/** Signatures that were made before a turn hold for 15 minutes. */
const SECONDS_MAX = 600;
const ROUNDS_MAX = 100;
const CONCURRENCY_MAX = 1_000;
const LIST_KEYS_MAX = 10_000_000;
const PID_MAX = 4_194_304;
const TARGETS_MAX = 16;
const NAME = /^[\w.-]{1,32}$/;
const REGION = 'us-east-1';
const ENDPOINT_FORM = '--endpoint is NAME=URL[,pid=N][,region=NAME][,key=ID:SECRET]';

/** The flags of `pithos bench`, as they were written. */
export interface BenchFlags {
  readonly endpoint?: readonly string[];
  readonly workloads?: string;
  readonly seconds: string;
  readonly rounds: string;
  readonly warmUp: string;
  readonly concurrency?: string;
  readonly listKeys: string;
  readonly syncs: boolean;
  readonly json?: string;
  readonly plot?: string;
}

/** What is to be measured, but for the targets. Throws `CommandError`. */
export function parsePlan(flags: BenchFlags): Omit<BenchPlan, 'targets'> {
  const sizes = flags.listKeys.split(',').map((text) => parseCount('--list-keys', text, LIST_KEYS_MAX));
  const workloads = allWorkloads(sizes);
  const selected = flags.workloads === undefined ? workloads : selectWorkloads(workloads, flags.workloads.split(','));
  if ('unknown' in selected) {
    const names = workloads.map(({ name }) => name).join(', ');
    throw new CommandError(`--workloads: there is no ${selected.unknown}. There are ${names}.`);
  }
  return {
    workloads: selected,
    seconds: parseSeconds(flags.seconds),
    rounds: parseCount('--rounds', flags.rounds, ROUNDS_MAX),
    warmUpRounds: parseCount('--warm-up', flags.warmUp, ROUNDS_MAX, 0),
    clientsCount:
      flags.concurrency === undefined ? undefined : parseCount('--concurrency', flags.concurrency, CONCURRENCY_MAX),
    countsSyncs: flags.syncs,
  };
}

/** The servers that `--endpoint` names; those without a key of their own have the environment's. Throws `CommandError`. */
export function parseTargets(texts: readonly string[], environmentKey: EndpointKey | undefined): readonly Target[] {
  const targets = texts.map((text) => parseTarget(text, environmentKey));
  const twice = targets.find(({ name }, index) => targets.findIndex((each) => each.name === name) < index);
  if (twice !== undefined) throw new CommandError(`--endpoint: two are named ${twice.name}.`);
  if (targets.length > TARGETS_MAX) throw new CommandError(`--endpoint: there are at most ${TARGETS_MAX}.`);
  return targets;
}

/** What was given is not repeated in messages: it may hold a secret. */
function parseTarget(text: string, environmentKey: EndpointKey | undefined): Target {
  const [nameAndUrl = '', ...options] = text.split(',');
  const [name = '', ...rest] = nameAndUrl.split('=');
  const url = parseUrl(rest.join('='));
  if (!NAME.test(name) || url === undefined) {
    throw new CommandError(`${ENDPOINT_FORM}, such as minio=http://127.0.0.1:9000; its URL has no user or query.`);
  }
  const values = new Map(options.map(parseOption));
  const key = parseKey(values.get('key')) ?? environmentKey;
  if (key === undefined) {
    throw new CommandError(
      `--endpoint ${name} has no key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add key=ID:SECRET.`,
    );
  }
  const region: string | undefined = parseRegionName(values.get('region') ?? REGION);
  if (region === undefined) throw new CommandError(`--endpoint ${name}: its region is not the name of one.`);
  return { name, url, region, key, pid: parsePid(name, values.get('pid')), isTemporary: false };
}

function parseOption(text: string): readonly [name: string, value: string] {
  const [name = '', ...value] = text.split('=');
  if (!['pid', 'region', 'key'].includes(name)) throw new CommandError(`${ENDPOINT_FORM}: it knows no other word.`);
  return [name, value.join('=')];
}

function parseUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = [url.username, url.password, url.search, url.hash].every((part) => part === '');
  return isPlain && ['http:', 'https:'].includes(url.protocol) ? url : undefined;
}

function parseKey(text: string | undefined): EndpointKey | undefined {
  if (text === undefined) return undefined;
  const [accessKeyId = '', ...secret] = text.split(':');
  if (accessKeyId === '' || secret.join(':') === '') throw new CommandError(`${ENDPOINT_FORM}: its key is ID:SECRET.`);
  return { accessKeyId, secret: new Secret(secret.join(':')), sessionToken: undefined };
}

function parsePid(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const pid = parseCount(`--endpoint ${name}: pid`, text, PID_MAX);
  if (process.platform !== 'linux') throw new CommandError(`--endpoint ${name}: pid= is for Linux, which shows times.`);
  if (!existsSync(`/proc/${pid}`)) throw new CommandError(`--endpoint ${name}: there is no process ${pid}.`);
  return pid;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds >= SECONDS_MIN && seconds <= SECONDS_MAX) return seconds;
  throw new CommandError(`--seconds is a number from ${SECONDS_MIN} to ${SECONDS_MAX}, not ${text}.`);
}
