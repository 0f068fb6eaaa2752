import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Client, policies, types } from 'cassandra-driver';

/** One block of an object: where it begins is the end of the one before. */
export type OriginalChunks = readonly Buffer[];

export interface WrittenObject {
  readonly bucket: string;
  readonly key: string;
  /** Blocks of chunks; chunks and blocks may be empty. */
  readonly blocks?: readonly OriginalChunks[];
  readonly acl?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly atime?: string;
  /** That of the bytes, unless given. */
  readonly checksum?: string;
  readonly sizeBytes?: number;
}

export interface WrittenUpload {
  readonly parts?: readonly Buffer[];
  /** Of the parts, by index, in place of their MD5. */
  readonly checksums?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
}

const DAY_MS = 86_400_000;
const WRITTEN_AT = '2015-03-04T05:06:07.089Z';
const PRIVATE = '{:FULL_CONTROL [{:ID "tester", :DisplayName "tester"}]}';

/** As the original's `install-schema` makes them: no `IF NOT EXISTS`, no options. */
const TABLES = [
  'CREATE TABLE bucket (bucket text, created text, tenant text, region text, acl text, cors text, website text, policy text, versioned boolean, PRIMARY KEY (bucket))',
  'CREATE INDEX bucket_tenant ON bucket (tenant)',
  'CREATE TABLE object (bucket text, object text, inode uuid, version timeuuid, atime text, size bigint, checksum text, storageclass text, acl text, metadata map<text,text>, PRIMARY KEY (bucket, object))',
  'CREATE INDEX object_inode ON object (inode)',
  'CREATE TABLE upload (upload uuid, version uuid, bucket text, object text, inode uuid, partno int, modified text, size bigint, checksum text, PRIMARY KEY ((bucket, object, upload), partno))',
  'CREATE TABLE object_uploads (bucket text, object text, upload uuid, metadata map<text,text>, PRIMARY KEY ((bucket, object), upload))',
  'CREATE INDEX upload_bucket ON object_uploads (bucket)',
  'CREATE TABLE block (inode uuid, version timeuuid, block bigint, offset bigint, chunksize int, payload blob, PRIMARY KEY ((inode, version, block), offset))',
];

/** A keyspace as a Pithos 0.7.5 leaves it; dropped when disposed of. */
export class Pithos075Keyspace implements AsyncDisposable {
  readonly name: string;
  readonly #client: Client;

  /** With `sizeColumn`, as versions up to 0.6.1 made it. */
  static async make(
    contactPoints: readonly string[],
    { sizeColumn = false }: { readonly sizeColumn?: boolean } = {},
  ): Promise<Pithos075Keyspace> {
    const name = `storage_${randomBytes(6).toString('hex')}`;
    const client = new Client({
      contactPoints: [...contactPoints],
      policies: { loadBalancing: new policies.loadBalancing.RoundRobinPolicy() },
    });
    await client.connect();
    await client.execute(
      `CREATE KEYSPACE ${name} WITH replication = {'class':'SimpleStrategy','replication_factor':1}`,
    );
    await client.execute(`USE ${name}`);
    const blocks = `CREATE TABLE inode_blocks (inode uuid, version timeuuid, block bigint, ${sizeColumn ? 'size bigint, ' : ''}PRIMARY KEY ((inode, version), block))`;
    for (const statement of [...TABLES, blocks]) await client.execute(statement);
    return new Pithos075Keyspace(client, name);
  }

  constructor(client: Client, name: string) {
    this.#client = client;
    this.name = name;
  }

  async bucket(
    name: string,
    columns: { readonly acl?: string; readonly cors?: string; readonly tenant?: string; readonly region?: string } = {},
  ) {
    const { acl = PRIVATE, cors = null, tenant = 'tester', region = 'myregion' } = columns;
    await this.#run('UPDATE bucket SET created = ?, tenant = ?, region = ?, acl = ?, cors = ? WHERE bucket = ?', [
      '2014-10-17T12:35:10.423Z',
      tenant,
      region,
      acl,
      cors,
      name,
    ]);
  }

  async object(object: WrittenObject): Promise<void> {
    const { bucket, key, blocks = [[]], acl = PRIVATE, atime = WRITTEN_AT } = object;
    const bytes = Buffer.concat(blocks.flat());
    const { checksum = createHash('md5').update(bytes).digest('hex'), sizeBytes = bytes.length } = object;
    const at = await this.#bytes(blocks, Date.now());
    await this.#run(
      'UPDATE object SET inode = ?, version = ?, atime = ?, size = ?, checksum = ?, storageclass = null, acl = ?, metadata = ? WHERE bucket = ? AND object = ?',
      [
        ...at,
        atime,
        sizeBytes,
        checksum,
        acl,
        object.metadata ?? { 'content-type': 'application/binary' },
        bucket,
        key,
      ],
    );
  }

  /** What an ACL that is put to a key without an object leaves. */
  async halfRow(bucket: string, key: string): Promise<void> {
    await this.#run('UPDATE object SET acl = ? WHERE bucket = ? AND object = ?', [PRIVATE, bucket, key]);
  }

  /** An upload of the parts 1, 2 and so on, begun two days ago, and its id. */
  async upload(
    bucket: string,
    key: string,
    { parts = [Buffer.from('part')], checksums = [], metadata = {} }: WrittenUpload = {},
  ): Promise<string> {
    const upload = randomUUID();
    const headers = { 'content-type': 'text/plain', initiated: WRITTEN_AT, acl: PRIVATE, ...metadata };
    await this.#run('UPDATE object_uploads SET metadata = ? WHERE bucket = ? AND object = ? AND upload = ?', [
      ...[headers, bucket, key, upload],
    ]);
    for (const [index, bytes] of parts.entries()) {
      await this.part({ bucket, key, upload }, { partNumber: index + 1, bytes, checksum: checksums[index] });
    }
    return upload;
  }

  /** A part as it is sent for the first time, or again. */
  async part(
    { bucket, key, upload }: { readonly bucket: string; readonly key: string; readonly upload: string },
    part: {
      readonly partNumber: number;
      readonly bytes: Buffer;
      /** That of the bytes, unless given. */
      readonly checksum?: string | undefined;
      readonly modified?: string;
    },
  ): Promise<void> {
    const { partNumber, bytes, modified = WRITTEN_AT } = part;
    const checksum = part.checksum ?? createHash('md5').update(bytes).digest('hex');
    const half = Math.floor(bytes.length / 2);
    const blocks = [[bytes.subarray(0, half), bytes.subarray(half)]];
    const at = await this.#bytes(blocks, Date.now() - 2 * DAY_MS);
    await this.#run(
      'UPDATE upload SET inode = ?, version = ?, modified = ?, size = ?, checksum = ? WHERE bucket = ? AND object = ? AND upload = ? AND partno = ?',
      [...at, modified, bytes.length, checksum, bucket, key, upload, partNumber],
    );
  }

  /** Bytes that belong to nothing. */
  async orphan({ ageDays }: { readonly ageDays: number }): Promise<void> {
    await this.#bytes([[Buffer.from('lost')]], Date.now() - ageDays * DAY_MS);
  }

  /** Every cell of every table as text, to see that nothing changed. */
  async everything(): Promise<string> {
    const tables = ['bucket', 'object', 'upload', 'object_uploads', 'inode_blocks', 'block'];
    const rows = await Promise.all(tables.map((table) => this.#run(`SELECT * FROM ${table}`, [])));
    return JSON.stringify(rows.map(({ rows: found }) => found));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.execute(`DROP KEYSPACE ${this.name}`);
    await this.#client.shutdown();
  }

  /** Blocks as the original writes them: places are of the whole object. */
  async #bytes(blocks: readonly OriginalChunks[], beganMs: number): Promise<readonly [inode: string, version: string]> {
    const inode = randomUUID();
    const version = types.TimeUuid.fromDate(new Date(beganMs)).toString();
    let offset = 0;
    for (const chunks of blocks) {
      const block = offset;
      await this.#run('INSERT INTO inode_blocks (inode, version, block) VALUES (?, ?, ?)', [inode, version, block]);
      for (const chunk of chunks) {
        await this.#run(
          'INSERT INTO block (inode, version, block, offset, chunksize, payload) VALUES (?, ?, ?, ?, ?, ?)',
          [inode, version, block, offset, chunk.length, chunk],
        );
        offset += chunk.length;
      }
    }
    return [inode, version];
  }

  async #run(query: string, params: readonly unknown[]): Promise<types.ResultSet> {
    return await this.#client.execute(query, [...params], { prepare: true });
  }
}
