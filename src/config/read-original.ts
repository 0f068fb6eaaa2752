import { isOriginalForm, mapAt } from './original-form.ts';
import { isTreeMap, type Tree, type TreeMap } from './tree.ts';
import { parseSizeBytes } from './units.ts';

/** The sizes that Pithos uses on Cassandra, whatever a file says. */
const CHUNK_TEXT = '256 KiB';
const BLOCK_TEXT = '4 MiB';
/** What the original took where a file was silent. */
const ORIGINAL_CHUNK_BYTES = 512 * 1024;
const ORIGINAL_BLOCK_CHUNKS = 2048;
const MIB = 1024 ** 2;

const PORT = '8080';

/** Settings of Jetty and of the adapter to it, which the original handed on as they stood. */
const TLS_OF_JETTY = ['ssl?', 'ssl-port', 'keystore', 'key-password', 'truststore', 'trust-password'];
const JETTY = [
  'max-threads',
  'min-threads',
  'max-idle-time',
  'request-header-size',
  'response-header-size',
  'output-buffer-size',
  'input-buffer-size',
  'join?',
  'configurator',
  'daemon?',
  'http?',
  'send-server-version?',
  'client-auth',
];
/** Settings of `options` that stood in the original's documentation and were read by nothing. */
const NEVER_READ = [
  'reporting',
  'server-side-encryption',
  'multipart-upload',
  'masterkey-provisioning',
  'masterkey-access',
];
const LOGGER = 'io.pithos';

/** What of a file is read otherwise than it is meant, at the key that `path` leads to. */
export interface Note {
  readonly path: readonly string[];
  readonly message: string;
}

export interface Reading {
  /** The settings in the names that they have now; paths lead to the same places of the file as far as they can. */
  readonly tree: Tree;
  readonly notes: readonly Note[];
  /** Whether the file is one of Pithos 0.7. */
  readonly isOriginal: boolean;
}

/**
 * Brings the settings of the original into their present form. What has no meaning any more goes, each with a note;
 * what nobody ever knew stays, for the schema to find.
 */
export function readOriginal(tree: Tree): Reading {
  if (!isTreeMap(tree)) return { tree, notes: [], isOriginal: false };
  const isOriginal = isOriginalForm(tree);
  const reader = new OriginalReader(tree, isOriginal);
  return { tree: reader.read(), notes: reader.notes, isOriginal };
}

class OriginalReader {
  readonly notes: Note[] = [];
  readonly #tree: TreeMap;
  readonly #isOriginal: boolean;

  constructor(tree: TreeMap, isOriginal: boolean) {
    this.#tree = tree;
    this.#isOriginal = isOriginal;
  }

  read(): TreeMap {
    const { reporters, sentry, ...tree } = this.#tree;
    if (reporters !== undefined) {
      this.#note(['reporters'], 'is not read: the log has a line for each request, with bucket, key and bytes');
    }
    if (sentry !== undefined) this.#note(['sentry'], 'is not read: errors are in the log and in the metrics');
    const sections: Readonly<Record<string, () => Tree>> = {
      service: () => this.#service(),
      logging: () => this.#logging(),
      options: () => this.#options(),
      bucketstore: () => this.#bucketstore(),
      regions: () => this.#regions(),
      keystore: () => this.#store(mapAt(tree, 'keystore'), ['keystore']),
      cassandra: () => this.#cassandra(),
    };
    const read: Record<string, Tree> = { ...tree };
    for (const [name, readSection] of Object.entries(sections)) {
      const section = tree[name];
      if (section === undefined || isTreeMap(section)) read[name] = readSection();
    }
    return read;
  }

  #service(): Tree {
    const section = this.#without(
      mapAt(this.#tree, 'service'),
      ['service'],
      [
        [TLS_OF_JETTY, 'has no effect: for TLS, set service.tls.cert and service.tls.key to PEM files'],
        [JETTY, 'was a setting of the web server of Pithos 0.7, and has no effect'],
      ],
    );
    return this.#isOriginal && section['port'] === undefined ? { ...section, port: PORT } : section;
  }

  #logging(): Tree {
    const { overrides, json, console, files, ...rest } = this.#without(
      mapAt(this.#tree, 'logging'),
      ['logging'],
      [
        [['pattern'], 'has no effect: lines have a fixed form; logging.format chooses between pretty and json'],
        [['external'], 'has no effect: there is no logback to configure'],
        [['use'], 'never had an effect'],
      ],
    );
    const read: Record<string, Tree> = { ...rest };
    const level = overrides !== undefined && isTreeMap(overrides) ? this.#override(overrides) : undefined;
    if (level !== undefined) read['level'] = level;
    if (json === 'true' && read['format'] === undefined) read['format'] = 'json';
    if (console !== undefined) Object.assign(read, this.#console(console));
    if (files !== undefined) read['files'] = Array.isArray(files) ? files.map(readLogFile) : files;
    return read;
  }

  /** The level that the file wants for what Pithos itself says, which is all that is said here. */
  #override(overrides: TreeMap): Tree | undefined {
    for (const logger of Object.keys(overrides)) {
      if (logger === LOGGER) continue;
      this.#note(['logging', 'overrides', logger], `has no effect: all lines are ${LOGGER}'s`);
    }
    return overrides[LOGGER];
  }

  /** A switch, or the pattern or the map of a later version of the original's logging. */
  #console(console: Tree): TreeMap {
    if (console === 'true' || console === 'false') return { console };
    this.#note(['logging', 'console'], 'is read as true: lines have a fixed form');
    return isTreeMap(console) && console['encoder'] === 'json'
      ? { console: 'true', format: 'json' }
      : { console: 'true' };
  }

  #options(): Tree {
    const { 'default-region': region, ...section } = this.#without(
      mapAt(this.#tree, 'options'),
      ['options'],
      [[NEVER_READ, 'never had an effect, and has none']],
    );
    const named = mapAt(this.#tree, 'bucketstore')['default-region'];
    if (region !== undefined && named !== undefined && named !== region) {
      this.#note(['options', 'default-region'], 'has no effect: bucketstore.default-region says where new buckets are');
    }
    return section;
  }

  #bucketstore(): Tree {
    const section = this.#store(mapAt(this.#tree, 'bucketstore'), ['bucketstore']);
    const region = mapAt(this.#tree, 'options')['default-region'];
    return region === undefined ? section : { 'default-region': region, ...section };
  }

  #regions(): Tree {
    return this.#eachMap(mapAt(this.#tree, 'regions'), ['regions'], (region, path) => {
      const read: Record<string, Tree> = { ...region };
      const { metastore, 'storage-classes': classes } = region;
      if (metastore !== undefined && isTreeMap(metastore)) {
        read['metastore'] = this.#store(metastore, [...path, 'metastore']);
      }
      if (classes !== undefined && isTreeMap(classes)) {
        read['storage-classes'] = this.#eachMap(classes, [...path, 'storage-classes'], (store, at) =>
          this.#chunks(this.#store(store, at), at),
        );
      }
      return read;
    });
  }

  #eachMap(tree: TreeMap, path: readonly string[], read: (map: TreeMap, path: readonly string[]) => TreeMap): TreeMap {
    const entries = Object.entries(tree).map(([name, each]): [string, Tree] => [
      name,
      isTreeMap(each) ? read(each, [...path, name]) : each,
    ]);
    return Object.fromEntries(entries);
  }

  #store(section: TreeMap, path: readonly string[]): TreeMap {
    return this.#without(section, path, [
      [
        ['cassandra-options'],
        'were options of the JVM driver, and have no effect: see local-data-centre, tls, compaction, request-timeout',
      ],
    ]);
  }

  /** Sizes are Pithos' own: a chunk and a block of its own size suit every cluster. */
  #chunks(section: TreeMap, path: readonly string[]): TreeMap {
    const { 'max-chunk': chunk, 'max-block-chunks': count, 'max-block-chunk': misspelt, ...rest } = section;
    if (misspelt !== undefined) {
      this.#note(
        [...path, 'max-block-chunk'],
        `is misspelt, and Pithos 0.7 did not read it: it is max-block-chunks, whose default is ${ORIGINAL_BLOCK_CHUNKS}`,
      );
    }
    const given = chunk !== undefined ? 'max-chunk' : count !== undefined ? 'max-block-chunks' : undefined;
    if (given === undefined) return rest;
    const chunkBytes = typeof chunk === 'string' ? parseSizeBytes(chunk) : ORIGINAL_CHUNK_BYTES;
    const bytes = (chunkBytes ?? Number.NaN) * (typeof count === 'string' ? Number(count) : ORIGINAL_BLOCK_CHUNKS);
    const asked = Number.isSafeInteger(bytes) ? `blocks of ${Math.round((bytes / MIB) * 10) / 10} MiB` : 'these sizes';
    const message = `gives ${asked}, which Pithos does not write: its blocks are ${BLOCK_TEXT}, in chunks of ${CHUNK_TEXT}`;
    this.#note([...path, given], message);
    return rest;
  }

  /** What a quickstart of the original told the Cassandra that it started itself. */
  #cassandra(): Tree {
    const section = mapAt(this.#tree, 'cassandra');
    const own = Object.keys(section).filter((key) => /_/.test(key));
    return this.#without(
      section,
      ['cassandra'],
      [[own, 'is a setting for the Cassandra that Pithos 0.7 could start itself, and has no effect']],
    );
  }

  /** `section` without the keys that mean nothing, each with its note. */
  #without(
    section: TreeMap,
    path: readonly string[],
    rules: readonly (readonly [keys: readonly string[], message: string])[],
  ): TreeMap {
    for (const [keys, message] of rules) {
      for (const key of keys) if (key in section) this.#note([...path, key], message);
    }
    const dropped = rules.flatMap(([keys]) => keys);
    return Object.fromEntries(Object.entries(section).filter(([key]) => !dropped.includes(key)));
  }

  #note(path: readonly string[], message: string): void {
    this.notes.push({ path, message });
  }
}

/** A path, or a map of `path` or `file`, with `json: true` or `encoder: json`. */
function readLogFile(file: Tree): Tree {
  if (!isTreeMap(file)) return file;
  const { file: name, json, encoder, pattern: _, ...rest } = file;
  const isJson = json === 'true' || encoder === 'json';
  return { ...(name === undefined ? {} : { path: name }), ...(isJson ? { format: 'json' } : {}), ...rest };
}
