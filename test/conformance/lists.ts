/** One area of S3 and the cases of the suite that ask about it. */
export interface Area {
  readonly name: string;
  /** Such as `test_s3.py::test_bucket_head`. */
  readonly caseIds: readonly string[];
}

export interface CaseResult {
  readonly status: 'passed' | 'failed' | 'skipped';
  /** Why it did not pass. */
  readonly message: string;
}

/** What one area showed; a run is good when no area has problems. */
export interface AreaVerdict {
  readonly name: string;
  readonly casesCount: number;
  readonly passedCount: number;
  /** Cases that did not pass, as the expected list foresaw. */
  readonly expectedCount: number;
  /** One sentence each. */
  readonly problems: readonly string[];
}

const AREA = /^(?<name>\S+) in (?<file>\S+\.py):$/;
const EXPECTED = /^(?<id>\S+\.py::\S+) {2}# (?<reason>\S.*)$/;

/** Reads `areas.txt`. Throws a `SyntaxError` for a line that it does not understand, and for a case in two areas. */
export function parseAreas(text: string): readonly Area[] {
  const areas: { name: string; file: string; caseIds: string[] }[] = [];
  const seen = new Set<string>();
  for (const line of meaningfulLines(text)) {
    const { name, file } = AREA.exec(line)?.groups ?? {};
    const area = areas.at(-1);
    if (name !== undefined && file !== undefined) {
      areas.push({ name, file, caseIds: [] });
    } else if (area !== undefined && line.startsWith('  ')) {
      for (const caseName of line.trim().split(/ +/)) {
        const id = `${area.file}::test_${caseName}`;
        if (seen.has(id)) throw new SyntaxError(`The case ${id} is listed twice.`);
        seen.add(id);
        area.caseIds.push(id);
      }
    } else {
      throw new SyntaxError(`This is neither an area nor cases of one: ${line}`);
    }
  }
  return areas.map(({ name, caseIds }) => ({ name, caseIds }));
}

/** Reads `expected.txt`: the reason of each case that is not to pass. Throws a `SyntaxError`. */
export function parseExpected(text: string): ReadonlyMap<string, string> {
  const expected = new Map<string, string>();
  for (const line of meaningfulLines(text)) {
    const { id, reason } = EXPECTED.exec(line)?.groups ?? {};
    if (id === undefined || reason === undefined) {
      throw new SyntaxError(`A line is the id of a case, two spaces, # and a reason, not: ${line}`);
    }
    if (expected.has(id)) throw new SyntaxError(`The case ${id} is listed twice.`);
    expected.set(id, reason);
  }
  return expected;
}

/** Holds results against the expected list. */
export function judge(
  areas: readonly Area[],
  expected: ReadonlyMap<string, string>,
  results: ReadonlyMap<string, CaseResult>,
): readonly AreaVerdict[] {
  return areas.map(({ name, caseIds }) => {
    const passed = caseIds.filter((id) => results.get(id)?.status === 'passed');
    const foreseen = caseIds.filter((id) => results.has(id) && !passed.includes(id) && expected.has(id));
    const problems = caseIds.flatMap((id) => problemOf(id, expected.get(id), results.get(id)) ?? []);
    return {
      name,
      casesCount: caseIds.length,
      passedCount: passed.length,
      expectedCount: foreseen.length,
      problems,
    };
  });
}

/** Cases of the expected list that no area has: they would never be looked at. */
export function findStray(areas: readonly Area[], expected: ReadonlyMap<string, string>): readonly string[] {
  const known = new Set(areas.flatMap(({ caseIds }) => caseIds));
  return [...expected.keys()].filter((id) => !known.has(id));
}

function problemOf(id: string, reason: string | undefined, result: CaseResult | undefined): string | undefined {
  if (result === undefined) return `${id} is listed, but this suite did not run it.`;
  if (result.status === 'passed') {
    return reason === undefined ? undefined : `${id} passed, though it was not expected to: ${reason}`;
  }
  return reason === undefined ? `${id} ${result.status}: ${result.message}` : undefined;
}

function meaningfulLines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
}
