import { readFile } from 'node:fs/promises';
import { resolve as resolvePath } from 'node:path';
import type { z } from 'zod';
import type { Config } from './config.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { nearest } from './nearest.ts';
import { resolveConfiguration } from './resolve.ts';
import { configurationSchema } from './schema.ts';
import { keysKnownAt } from './settings.ts';
import { parseYamlTree, type Tree, type YamlTree } from './yaml-tree.ts';

/** Keys of the original's stores that only its Cassandra engine has. */
const CASSANDRA_KEYS = [
  'cluster',
  'keyspace',
  'hints',
  'repfactor',
  'username',
  'password',
  'read-consistency',
  'write-consistency',
  'cassandra-options',
  'max-chunk',
  'max-block-chunk',
  'max-block-chunks',
];

export interface ConfigurationSources {
  /** The configuration file that the command line names; otherwise `PITHOS_CONFIGURATION` may. */
  readonly file?: string | undefined;
  readonly flags?: readonly FlagSetting[] | undefined;
  /** Without it, the environment of this process. */
  readonly environment?: Environment | undefined;
}

/** A setting given on the command line. */
export interface FlagSetting {
  /** As the user wrote it, for messages. */
  readonly flag: string;
  /** Dotted, such as `service.port`. */
  readonly path: string;
  readonly text: string;
}

/** Every mistake of a configuration, one line each, with where it is. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: { cause?: unknown }) {
    super(problems.join('\n'), options);
    this.problems = problems;
  }
}

/**
 * The configuration of a server: a flag wins over a variable of the environment, that over the file, and that over the
 * default. Throws `ConfigurationError` with every mistake at once.
 */
export async function loadConfiguration(sources: ConfigurationSources = {}): Promise<LoadedConfiguration> {
  const environment = readEnvironment(sources.environment ?? process.env);
  const file = sources.file ?? environment.file;
  const yaml = file === undefined ? parseYamlTree('') : parseYamlTree(await readConfigurationFile(file));
  const name = file ?? 'configuration';

  const places = new Map<string, string>();
  let tree = yaml.tree;
  for (const [path, { variable, text }] of environment.values) {
    tree = withSetting(tree, path, text);
    places.set(path, variable);
  }
  for (const { path, flag, text } of sources.flags ?? []) {
    tree = withSetting(tree, path, text);
    places.set(path, flag);
  }

  const problems = yaml.problems.map(({ at, message }) => `${name}:${at.line}:${at.column}: ${message}`);
  problems.push(...environment.problems.map(({ variable, message }) => `${variable}: ${message}`));
  const locate = (problem: Problem) => `${placeOf(problem, { name, yaml, places })}: ${problem.message}`;

  const parsed = configurationSchema.safeParse(tree);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(asProblems).map(locate));
  if (problems.length > 0 || !parsed.success) throw new ConfigurationError(problems);
  const resolved = resolveConfiguration(parsed.data, environment.credentials);
  if (resolved.problems.length > 0) throw new ConfigurationError(resolved.problems.map(locate));
  return { config: resolved.config, file: file === undefined ? undefined : resolvePath(file) };
}

export interface LoadedConfiguration {
  readonly config: Config;
  /** The absolute path of the file that was read, if any. */
  readonly file: string | undefined;
}

/** One mistake, at the value that `path` leads to, or at its key. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly atKey?: boolean;
}

async function readConfigurationFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError([`${file}: cannot be read: ${reason}`], { cause });
  }
}

/** `tree` with the text at a dotted path; unchanged where its section is no map, which is a mistake by itself. */
function withSetting(tree: Tree, path: string, text: string): Tree {
  const [section = '', key = ''] = path.split('.');
  if (!isMap(tree)) return tree;
  const entries = tree[section] ?? {};
  return isMap(entries) ? { ...tree, [section]: { ...entries, [key]: text } } : tree;
}

function isMap(tree: Tree): tree is { readonly [key: string]: Tree } {
  return typeof tree === 'object' && !Array.isArray(tree);
}

function asProblems(issue: z.core.$ZodIssue): Problem[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        message: unknownKey(issue.path, key),
        atKey: true,
      }));
    case 'invalid_key':
      return [{ path: issue.path, message: issue.issues[0]?.message ?? issue.message, atKey: true }];
    case 'invalid_type':
      return [{ path: issue.path, message: issue.expected === 'object' ? 'must be a map of settings' : issue.message }];
    default:
      return [{ path: issue.path, message: issue.message }];
  }
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const known = keysKnownAt(path);
  if (known.includes('use') && CASSANDRA_KEYS.includes(key)) {
    return 'belongs to the Cassandra engine, which is not in this version';
  }
  const meant = nearest(key, known);
  return meant === undefined
    ? `is not known here: there is ${known.join(', ')}`
    : `is not known: did you mean ${meant}?`;
}

/** Where a mistake is, as its author finds it: a flag, a variable, or a line and column of the file. */
function placeOf(
  problem: Problem,
  sources: { name: string; yaml: YamlTree; places: ReadonlyMap<string, string> },
): string {
  const path = problem.path.map(String);
  const given = sources.places.get(path.join('.'));
  if (given !== undefined) return given;
  const setting = path.length === 0 ? '' : `: ${path.join('.')}`;
  for (let length = path.length; length >= 0; length -= 1) {
    const found = sources.yaml.positionOf(path.slice(0, length));
    if (found === undefined) continue;
    const at = problem.atKey && length === path.length ? found.key : found.value;
    return `${sources.name}:${at.line}:${at.column}${setting}`;
  }
  return `${sources.name}${setting}`;
}
