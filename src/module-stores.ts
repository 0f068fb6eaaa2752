import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ModuleConfig } from './config/config.ts';
import { withoutSecretsOf } from './config/module-secrets.ts';
import type { Blobstore } from './stores/blobstore.ts';
import type { Bucketstore } from './stores/bucketstore.ts';
import type { Keystore, ManagedKeystore } from './stores/keystore.ts';
import type { Metastore } from './stores/metastore.ts';
import type { Store } from './stores/store.ts';

const STORE = ['checkWritable'] as const satisfies readonly (keyof Store)[];
const KEYSTORE = [...STORE, 'getKey', 'findTenant'] as const satisfies readonly (keyof Keystore)[];
const MANAGED = ['addKey', 'replaceKey', 'deleteKey', 'listKeys'] as const satisfies readonly (keyof ManagedKeystore)[];
const BUCKETSTORE = [
  ...STORE,
  'getBucket',
  'createBucket',
  'updateBucket',
  'removeBucket',
  'listBuckets',
] as const satisfies readonly (keyof Bucketstore)[];
const BLOBSTORE = [
  ...STORE,
  'write',
  'read',
  'delete',
  'verify',
  'list',
] as const satisfies readonly (keyof Blobstore)[];
const METASTORE = [
  ...STORE,
  'getVersion',
  'putVersion',
  'deleteCurrent',
  'deleteVersion',
  'updateAttributes',
  'readManifest',
  'listObjects',
  'listVersions',
  'closeBucket',
  'isBucketClosed',
  'createUpload',
  'getUpload',
  'putPart',
  'listParts',
  'listUploads',
  'completeUpload',
  'abortUpload',
  'sweepUploads',
  'openIntent',
  'renewIntent',
  'abandonIntent',
  'expireIntents',
  'listReclaimable',
  'forgetReclaimed',
  'setPin',
  'clearPin',
  'getBlobState',
  'scanReferences',
  'scanVersions',
  'checkConsistency',
] as const satisfies readonly (keyof Metastore)[];

/** A store that somebody else wrote cannot be had, in one sentence for the user. */
export class ModuleStoreError extends Error {
  override readonly name = 'ModuleStoreError';
}

/** The keystore of a module; `managed` where it can change its keys too. Throws `ModuleStoreError`. */
export async function openModuleKeystore(
  module: ModuleConfig,
): Promise<{ readonly keys: Keystore; readonly managed: ManagedKeystore | undefined }> {
  const store = await openModule(module);
  const keys = parseStore<Keystore>(store, { module, kind: 'keystore', methods: KEYSTORE });
  const isManaged = missingOf(store, MANAGED).length === 0;
  return {
    keys,
    managed: isManaged ? parseStore<ManagedKeystore>(store, { module, kind: 'keystore', methods: MANAGED }) : undefined,
  };
}

export async function openModuleBucketstore(module: ModuleConfig): Promise<Bucketstore> {
  return parseStore(await openModule(module), { module, kind: 'bucketstore', methods: BUCKETSTORE });
}

export async function openModuleMetastore(module: ModuleConfig): Promise<Metastore> {
  return parseStore(await openModule(module), { module, kind: 'metastore', methods: METASTORE });
}

export async function openModuleBlobstore(module: ModuleConfig): Promise<Blobstore> {
  return parseStore(await openModule(module), { module, kind: 'blobstore', methods: BLOBSTORE });
}

/** What the default export of a module makes of its section of the configuration. */
async function openModule({ name, place, directory, section }: ModuleConfig): Promise<unknown> {
  let exports: { readonly default?: unknown };
  try {
    exports = await import(locate(name, directory));
  } catch (cause) {
    throw new ModuleStoreError(`${place}: The module ${name} cannot be loaded: ${messageOf(cause)}`, { cause });
  }
  const open = exports.default;
  if (typeof open !== 'function') {
    throw new ModuleStoreError(
      `${place}: The module ${name} has no function as its default export, to open a store with.`,
    );
  }
  try {
    return await open(section);
  } catch (cause) {
    const said = withoutSecretsOf(section, messageOf(cause));
    throw new ModuleStoreError(`${place}: The module ${name} did not open its store: ${said}`, { cause });
  }
}

/** A path, or a package, as the file that names it sees it; a package may also stand beside Pithos itself. */
function locate(name: string, directory: string): string {
  if (name.startsWith('file:')) return name;
  const require = createRequire(join(directory, 'pithos.yaml'));
  try {
    return pathToFileURL(require.resolve(name)).href;
  } catch {
    // What is no package there may be one beside Pithos, or one for `import` alone.
    return /^[./]/.test(name) ? pathToFileURL(resolve(directory, name)).href : name;
  }
}

/** Throws `ModuleStoreError` where `store` is none of this kind. */
function parseStore<Kind extends Store>(
  store: unknown,
  { module, kind, methods }: { module: ModuleConfig; kind: string; methods: readonly (keyof Kind & string)[] },
): Kind {
  const missing = missingOf(store, methods);
  if (missing.length > 0) {
    const lacks = `it has no ${missing.join(', ')}`;
    throw new ModuleStoreError(`${module.place}: What the module ${module.name} makes is no ${kind}: ${lacks}.`);
  }
  return store as Kind;
}

function missingOf(store: unknown, methods: readonly string[]): readonly string[] {
  if (typeof store !== 'object' || store === null) return ['methods at all'];
  const missing = methods.filter((method) => typeof Reflect.get(store, method) !== 'function');
  if (!('description' in store) || typeof store.description !== 'string') missing.push('description');
  if (!(Symbol.asyncDispose in store)) missing.push('[Symbol.asyncDispose]');
  return missing;
}

function messageOf(cause: unknown): string {
  // The first line: an error of syntax brings its source.
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
}
