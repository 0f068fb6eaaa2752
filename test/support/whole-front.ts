import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { dataDirectories } from '../../src/config/config.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { prepareDataDirectory } from '../../src/data-directory.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { type OperationName, S3_MODEL } from '../../src/operations/s3-model.ts';
import { NOT_IMPLEMENTED, OPERATIONS } from '../../src/operations/table.ts';
import { openStores } from '../../src/server.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { elementText, type RawResponse } from './raw-http.ts';
import { ALICE, BOB, Front, type FrontOptions, MASTER, type SendOptions } from './start-front.ts';
import { makeTempDir } from './temp-dir.ts';

export type Engine = 'memory' | 'embedded';

/** Every operation that is implemented. */
export const IMPLEMENTED: ReadonlyMap<OperationName, AnyOperation> = new Map(
  Object.entries(OPERATIONS).flatMap(([name, operation]) =>
    isOperationName(name) && operation !== NOT_IMPLEMENTED ? [[name, operation] as const] : [],
  ),
);

/** The whole server in this process, for requests of any bytes by two tenants, Alice and Bob. */
export interface WholeFront extends AsyncDisposable {
  readonly front: Front;
  /** Holds the data directory, `data`, and nothing else; of a memory engine, nothing. */
  readonly directory: string;
  /** Sends one request; `200`, or such as `404 NoSuchKey`. */
  codeOf(options: SendOptions): Promise<string>;
  /** Sends one request that must succeed. */
  ok(options: SendOptions): Promise<RawResponse>;
  /** Makes a bucket of Alice's, or of whose the keys are. */
  newBucket(keys?: SendOptions['keys']): Promise<string>;
  /** Deletes all buckets with all that is in them. */
  reset(): Promise<void>;
}

/** `inFront` puts something before each metastore. */
export async function startWholeFront(
  engine: Engine,
  options: FrontOptions = {},
  inFront: (store: Metastore) => Metastore = (store) => store,
): Promise<WholeFront> {
  const home = await makeTempDir();
  const directory = join(home.path, 'stores');
  const file = join(home.path, 'pithos.yaml');
  await writeFile(file, stringify(configurationFor(engine, directory)));
  const { config } = await loadConfiguration({ environment: {}, file });
  for (const path of dataDirectories(config)) await prepareDataDirectory(path);
  const stores = await openStores(config);
  const regions = new Map(
    [...stores.regions].map(([name, region]) => [name, { ...region, meta: inFront(region.meta) }]),
  );
  const front = await Front.start({
    ...options,
    stores: { ...stores, regions },
    operations: Object.fromEntries(IMPLEMENTED),
  });
  // The server goes by the machine's time where it stores things, so requests are signed by it too.
  front.clock.now = Date.now();
  const codeOf = async (request: SendOptions) => {
    const { status, body } = await front.send(request);
    const code = elementText(body, 'Code');
    return code === undefined ? String(status) : `${status} ${code}`;
  };
  const ok = async (request: SendOptions) => {
    const response = await front.send(request);
    if (response.status < 300) return response;
    throw new Error(`${request.method ?? 'GET'} ${request.path}: ${response.status} ${response.body}`);
  };
  return {
    front,
    directory,
    codeOf,
    ok,
    async newBucket(keys = ALICE) {
      const bucket = `test-${randomBytes(8).toString('hex')}`;
      await ok({ method: 'PUT', path: `/${bucket}`, keys });
      return bucket;
    },
    async reset() {
      await stores.reset({ signal: new AbortController().signal });
    },
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await stores[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}

function configurationFor(engine: Engine, directory: string): object {
  const keys = Object.fromEntries(
    [ALICE, BOB, MASTER].map(({ accessKeyId, secretAccessKey }) => {
      const tenant = accessKeyId.replace('KEY', '').toLowerCase();
      const email = `${tenant}@example.com`;
      return [accessKeyId, { tenant, secret: secretAccessKey, email, master: accessKeyId === MASTER.accessKeyId }];
    }),
  );
  const store = { use: engine };
  return {
    keystore: { use: 'map', keys },
    bucketstore: store,
    regions: { 'us-east-1': { metastore: store, 'storage-classes': { standard: store } } },
    ...(engine === 'embedded' && { options: { 'data-directory': join(directory, 'data') } }),
  };
}

function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(S3_MODEL, name);
}
