import { readFile } from 'node:fs/promises';
import { dirname, resolve as resolvePath } from 'node:path';
import type { Config } from './config.ts';
import { ConfigurationError } from './configuration-error.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { takeModuleSections } from './module-sections.ts';
import type { ParsedSettings } from './parse-settings.ts';
import { readOriginal } from './read-original.ts';
import { readPlain } from './read-plain.ts';
import { ENVIRONMENT_KEY } from './remarks.ts';
import { type Problem, resolveConfiguration } from './resolve.ts';
import { textsOf } from './texts-of.ts';
import { isTreeMap, type Tree } from './tree.ts';
import type { Position, YamlTree } from './yaml-tree.ts';

/** Where the packages of the original put their file. */
const SYSTEM_FILE = '/etc/pithos/pithos.yaml';

const NO_FILE: YamlTree = { tree: {}, positionOf: () => undefined, problems: [] };

export interface ConfigurationSources {
  /** The configuration file that the command line names; otherwise `PITHOS_CONFIGURATION` may. */
  readonly file?: string | undefined;
  /** The file that is read where none is named, if it is there: `/etc/pithos/pithos.yaml` unless given. */
  readonly systemFile?: string | undefined;
  /** Settings as the file has them, by a program, in the place of a file. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
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

export interface LoadedConfiguration {
  readonly config: Config;
  /** The absolute path of the file that was read, if any. */
  readonly file: string | undefined;
  /** What is read otherwise than it may be meant, one line each, with where it is. */
  readonly warnings: readonly string[];
}

/**
 * The configuration of a server: a flag wins over a variable of the environment, that over the file, and that over the
 * default. Throws `ConfigurationError` with every mistake at once.
 */
export async function loadConfiguration(sources: ConfigurationSources = {}): Promise<LoadedConfiguration> {
  const environment = readEnvironment(sources.environment ?? process.env);
  const found = await findFile(sources, environment.file);
  const yaml = await readYaml(found?.text ?? '');
  const name = found?.file ?? 'configuration';
  const given = sources.settings === undefined ? yaml.tree : textsOf(sources.settings);
  const original = readOriginal(given);

  const places = new Map<string, string>();
  let merged = original.tree;
  for (const [path, { variable, text }] of environment.values) {
    merged = withSetting(merged, path, text);
    places.set(path, variable);
  }
  for (const { path, flag, text } of sources.flags ?? []) {
    merged = withSetting(merged, path, text);
    places.set(path, flag);
  }
  if (environment.credentials !== undefined) places.set(ENVIRONMENT_KEY, environment.credentials.secretVariable);
  const { tree, sections } = takeModuleSections(merged);

  const problems = yaml.problems.map(({ at, message }) => `${name}:${at.line}:${at.column}: ${message}`);
  problems.push(...environment.problems.map(({ variable, message }) => `${variable}: ${message}`));
  const whereIs = (at: Omit<Problem, 'message'>) => placeOf(at, { name, yaml, places });
  const locate = (problem: Problem) => `${whereIs(problem)}: ${problem.message}`;

  const parsed = await readSettings(tree, original.isOriginal);
  problems.push(...parsed.problems.map(locate));
  if (problems.length > 0 || parsed.settings === undefined) throw new ConfigurationError(problems);
  const fileDirectory = found === undefined ? resolvePath('.') : dirname(resolvePath(found.file));
  const resolved = resolveConfiguration(parsed.settings, {
    isOriginal: original.isOriginal,
    environmentKey: environment.credentials,
    modules: {
      sections,
      directoryOf: (path) => (places.has(`${path}.use`) ? resolvePath('.') : fileDirectory),
      placeOf: (path) => whereIs({ path }),
    },
  });
  if (resolved.problems.length > 0) throw new ConfigurationError(resolved.problems.map(locate));
  const notes = [...original.notes.map((note) => ({ ...note, atKey: true })), ...parsed.notes, ...resolved.notes];
  return {
    config: resolved.config,
    file: found === undefined ? undefined : resolvePath(found.file),
    warnings: inOrder(notes, yaml).map(locate),
  };
}

interface FoundFile {
  readonly file: string;
  readonly text: string;
}

/** The file that is named; else that of the system, where there is one. */
async function findFile(sources: ConfigurationSources, named: string | undefined): Promise<FoundFile | undefined> {
  if (sources.settings !== undefined) return undefined;
  const file = sources.file ?? named;
  const place = file ?? sources.systemFile ?? SYSTEM_FILE;
  try {
    return { file: place, text: await readFile(place, 'utf8') };
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && ['ENOENT', 'ENOTDIR'].includes(String(cause.code));
    if (file === undefined && isAbsent) return undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError([`${place}: cannot be read: ${reason}`], { cause });
  }
}

async function readYaml(text: string): Promise<YamlTree> {
  if (text === '') return NO_FILE;
  const { parseYamlTree } = await import('./yaml-tree.ts');
  return parseYamlTree(text);
}

async function readSettings(tree: Tree, isOriginal: boolean): Promise<ParsedSettings> {
  const settings = readPlain(tree);
  if (settings !== undefined) return { settings, problems: [], notes: [] };
  const { parseSettings } = await import('./parse-settings.ts');
  return parseSettings(tree, isOriginal);
}

/** `tree` with the text at a dotted path; unchanged where its section is no map, which is a mistake by itself. */
function withSetting(tree: Tree, path: string, text: string): Tree {
  const [first = '', ...rest] = path.split('.');
  if (!isTreeMap(tree)) return tree;
  return { ...tree, [first]: rest.length === 0 ? text : withSetting(tree[first] ?? {}, rest.join('.'), text) };
}

/** As they stand in the file; what does not stand there comes first. */
function inOrder(notes: readonly Problem[], yaml: YamlTree): readonly Problem[] {
  const placed = notes.map((note) => ({ note, at: positionOf(note, yaml) ?? { line: 0, column: 0 } }));
  placed.sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  return placed.map(({ note }) => note);
}

/** Where a mistake is, as its author finds it: a flag, a variable, or a line and column of the file. */
function placeOf(
  problem: Omit<Problem, 'message'>,
  sources: { name: string; yaml: YamlTree; places: ReadonlyMap<string, string> },
): string {
  const path = problem.path.map(String);
  const given = sources.places.get(path.join('.'));
  if (given !== undefined) return given;
  const setting = path.length === 0 ? '' : `: ${path.join('.')}`;
  const at = positionOf(problem, sources.yaml);
  return at === undefined ? `${sources.name}${setting}` : `${sources.name}:${at.line}:${at.column}${setting}`;
}

/** That of the value, or of its key; else of what it would be in. */
function positionOf({ path, atKey }: Omit<Problem, 'message'>, yaml: YamlTree): Position | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const found = yaml.positionOf(path.slice(0, length));
    if (found !== undefined) return atKey && length === path.length ? found.key : found.value;
  }
  return undefined;
}
