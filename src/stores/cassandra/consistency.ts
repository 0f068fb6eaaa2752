/** How many copies of each row there are, and where. */
export type Replication =
  | { readonly class: 'SimpleStrategy'; readonly factor: number }
  | { readonly class: 'NetworkTopologyStrategy'; readonly factors: ReadonlyMap<string, number> };

/** How many copies must answer. Source: https://cassandra.apache.org/doc/latest/cassandra/architecture/dynamo.html */
export const CONSISTENCY_LEVELS = [
  'ANY',
  'ONE',
  'TWO',
  'THREE',
  'QUORUM',
  'ALL',
  'LOCAL_QUORUM',
  'EACH_QUORUM',
  'LOCAL_ONE',
] as const;
export type ConsistencyLevel = (typeof CONSISTENCY_LEVELS)[number];

export const SERIAL_LEVELS = ['SERIAL', 'LOCAL_SERIAL'] as const;
export type SerialLevel = (typeof SERIAL_LEVELS)[number];

/** How a store asks its cluster. */
export interface Levels {
  readonly read: ConsistencyLevel;
  readonly write: ConsistencyLevel;
  readonly serial: SerialLevel;
}

export interface LevelsInUse {
  readonly levels: Levels;
  readonly replication: Replication;
  readonly localDataCentre: string;
  /** Only gateways of the local data centre read and write: then its own quorums are enough. */
  readonly isSingleDataCentre: boolean;
  /** The promises are given up: any level goes. */
  readonly isEventual: boolean;
}

const COUNTS: Readonly<Partial<Record<ConsistencyLevel, number>>> = { ANY: 0, ONE: 1, LOCAL_ONE: 1, TWO: 2, THREE: 3 };
const MINORITY =
  'ask fewer than most copies, so that what one read has seen a later one may miss: take QUORUM, or set eventual: true to give up the promises.';

/**
 * What keeps these levels from giving the promises, one sentence each; empty where nothing does. Every read must meet
 * every write that was acknowledged before: their copies together must be more than there are. And each must ask a
 * majority: of a write that is under way fewer may show one read the new value and a later one the old.
 */
export function levelProblems(use: LevelsInUse): readonly string[] {
  const { levels, isEventual } = use;
  const impossible = impossibleLevels(use);
  if (isEventual || impossible.length > 0) return impossible;
  const apart = levelsOfOthers(use);
  if (apart.length > 0) return apart;
  const copies = copiesOf(use.replication);
  const local = localCopies(use.replication, use.localDataCentre);
  const all = [levels.read, levels.write].every(isLocal) ? local : copies;
  const met = answersOf(levels.read, { copies, local }) + answersOf(levels.write, { copies, local });
  const isMetInEach = levels.write === 'EACH_QUORUM' && levels.read === 'LOCAL_QUORUM';
  if (met <= all && !isMetInEach) {
    return [
      `Reads at ${levels.read} and writes at ${levels.write} need not meet in ${count(all, 'copy', 'copies')}: take QUORUM for both, or set eventual: true to give up the promises.`,
    ];
  }
  const isMinority = (level: ConsistencyLevel): boolean =>
    answersOf(level, { copies, local }) < majorityOf(isLocal(level) ? local : copies);
  return [
    ...(isMinority(levels.read) ? [`Reads at ${levels.read} ${MINORITY}`] : []),
    ...(isMinority(levels.write) ? [`Writes at ${levels.write} ${MINORITY}`] : []),
  ];
}

/** What the store survives, in a few words for start-up. */
export function survives({ levels, replication, localDataCentre, isEventual }: LevelsInUse): string {
  if (isEventual) return 'EVENTUAL: writes may be lost and reads may be old';
  const copies = copiesOf(replication);
  const local = localCopies(replication, localDataCentre);
  const sparesOf = (level: ConsistencyLevel | SerialLevel): { readonly spare: number; readonly of: number } => {
    if (level === 'SERIAL') return { spare: copies - majorityOf(copies), of: copies };
    if (level === 'LOCAL_SERIAL') return { spare: local - majorityOf(local), of: local };
    // Of each data centre: the smallest decides.
    if (level === 'EACH_QUORUM') return { spare: Math.min(...factorsOf(replication).map(spareOf)), of: copies };
    const of = isLocal(level) ? local : copies;
    return { spare: of - answersOf(level, { copies, local }), of };
  };
  const worst = [levels.read, levels.write, levels.serial]
    .map(sparesOf)
    .reduce((least, next) => (next.spare < least.spare ? next : least));
  const areOthersSpare = copies > local && [levels.read, levels.write, levels.serial].every(isLocal);
  const others = areOthersSpare ? ', and every other data centre' : '';
  if (worst.spare <= 0) return `no copy of ${worst.of} may be lost${others}`;
  return `${worst.spare === 1 ? 'one' : worst.spare} of ${worst.of} copies may be lost${others}`;
}

/** Copies of each row in all. */
export function copiesOf(replication: Replication): number {
  if (replication.class === 'SimpleStrategy') return replication.factor;
  return [...replication.factors.values()].reduce((sum, factor) => sum + factor, 0);
}

/** As CQL writes it. */
export function replicationCql(replication: Replication): string {
  if (replication.class === 'SimpleStrategy') {
    return `{'class': 'SimpleStrategy', 'replication_factor': ${replication.factor}}`;
  }
  const factors = [...replication.factors].map(([name, factor]) => `'${name.replaceAll("'", "''")}': ${factor}`);
  return `{'class': 'NetworkTopologyStrategy', ${factors.join(', ')}}`;
}

/** What cannot be asked at all. */
function impossibleLevels({ levels, replication, localDataCentre }: LevelsInUse): readonly string[] {
  if (copiesOf(replication) === 0) {
    return ['The replication keeps no copy at all: give at least one data centre a factor of 1.'];
  }
  const problems: string[] = [];
  if (localCopies(replication, localDataCentre) === 0) {
    problems.push(`The replication keeps no copy in the local data centre ${localDataCentre}: give it a factor.`);
  }
  if (levels.read === 'ANY' || levels.read === 'EACH_QUORUM') {
    problems.push(`Reads cannot be made at ${levels.read}: take QUORUM.`);
  }
  if (replication.class === 'SimpleStrategy' && levels.write === 'EACH_QUORUM') {
    problems.push('Transactions cannot be written at EACH_QUORUM with SimpleStrategy: take QUORUM.');
  }
  return problems;
}

/** Levels of one data centre where there are several: they see nothing of what gateways elsewhere write. */
function levelsOfOthers(use: LevelsInUse): readonly string[] {
  const { levels, replication, localDataCentre, isSingleDataCentre } = use;
  if (replication.class === 'SimpleStrategy' && levels.serial === 'LOCAL_SERIAL') {
    return ['SimpleStrategy spreads copies over data centres, of which LOCAL_SERIAL asks one: take SERIAL.'];
  }
  if (copiesOf(replication) === localCopies(replication, localDataCentre)) return [];
  if (!isSingleDataCentre) {
    const names = new Set([levels.read, levels.write, levels.serial].filter(isLocal));
    return [...names].map(
      (name) =>
        `${name} sees one data centre only: take QUORUM and SERIAL, or set single-data-centre: true where all gateways are in ${localDataCentre}.`,
    );
  }
  if (levels.write === 'EACH_QUORUM' || isLocal(levels.serial) === isLocal(levels.write)) return [];
  return [`${levels.serial} does not go with writes at ${levels.write}: take both local, or neither.`];
}

function localCopies(replication: Replication, dataCentre: string): number {
  if (replication.class === 'SimpleStrategy') return replication.factor;
  return replication.factors.get(dataCentre) ?? 0;
}

function answersOf(level: ConsistencyLevel, { copies, local }: { copies: number; local: number }): number {
  if (level === 'QUORUM' || level === 'EACH_QUORUM') return majorityOf(copies);
  if (level === 'LOCAL_QUORUM') return majorityOf(local);
  if (level === 'ALL') return copies;
  return COUNTS[level] ?? 0;
}

function factorsOf(replication: Replication): readonly number[] {
  if (replication.class === 'SimpleStrategy') return [replication.factor];
  return [...replication.factors.values()].filter((factor) => factor > 0);
}

function spareOf(copies: number): number {
  return copies - majorityOf(copies);
}

function majorityOf(copies: number): number {
  return Math.floor(copies / 2) + 1;
}

function isLocal(level: string): boolean {
  return level.startsWith('LOCAL_');
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
