import type { ParameterMap } from '../operations/request.ts';
import { type OperationName, S3_MODEL } from '../operations/s3-model.ts';

/** What a target names, by whether it has a bucket and a key. */
export type TargetKind = 'service' | 'bucket' | 'object';

export interface RoutedRequest {
  readonly method: string;
  readonly target: TargetKind;
  readonly query: ParameterMap;
  readonly headers: Pick<ParameterMap, 'has' | 'get'>;
}

export type Route =
  | { readonly kind: 'operation'; readonly name: OperationName }
  | { readonly kind: 'method-not-allowed' }
  /** The query asks for the operation, but lacks what it needs. */
  | { readonly kind: 'incomplete'; readonly name: OperationName; readonly missing: string }
  /** The query asks for several operations at once. */
  | { readonly kind: 'conflict'; readonly parameters: readonly string[] };

interface Candidate {
  readonly name: OperationName;
  /** Query parameters that select it; an empty value means any. */
  readonly literals: readonly (readonly [name: string, value: string])[];
  readonly requiredQuery: readonly string[];
  readonly requiredHeaders: readonly string[];
  /** Selectors that it knows. */
  readonly ownSelectors: ReadonlySet<string>;
  readonly optionalQuery: readonly string[];
}

const METHODS: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'POST', 'PUT']);
const TARGETS: readonly TargetKind[] = ['service', 'bucket', 'object'];
const CANDIDATES = readCandidates();
const SELECTORS = readSelectors();
const FORM = /^multipart\/form-data(?:;|$)/i;

/** Whether a request is a browser form: S3 has it, the SDK's model does not. */
export function isPostForm(method: string, target: TargetKind, headers: Pick<ParameterMap, 'get'>): boolean {
  return method === 'POST' && target === 'bucket' && FORM.test(headers.get('content-type') ?? '');
}

/**
 * The one operation that a request asks for, out of the model alone.
 *
 * A query parameter that some operation on this kind of target is selected by must belong to the operation that is
 * found: `PUT /b?encryption` never creates a bucket. Of several that fit the one with the most conditions wins.
 */
export function findRoute(request: RoutedRequest): Route {
  const { method, target, query } = request;
  if (!METHODS.has(method)) return { kind: 'method-not-allowed' };
  const candidates = CANDIDATES.get(`${method} ${target}`) ?? [];
  const selectors = presentSelectors(target, query);
  let best: Candidate | undefined;
  let bestRank = -1;
  for (const candidate of candidates) {
    if (missingOf(candidate, request) !== undefined || !knowsAll(candidate, selectors)) continue;
    const rank = rankOf(candidate, query);
    if (rank > bestRank) {
      best = candidate;
      bestRank = rank;
    }
  }
  return best === undefined ? explainMiss(request, candidates, selectors) : { kind: 'operation', name: best.name };
}

/** Why nothing fits: one operation fits but for something missing, several fit in part, or none could. */
function explainMiss(request: RoutedRequest, candidates: readonly Candidate[], selectors: readonly string[]): Route {
  if (selectors.length === 0) return { kind: 'method-not-allowed' };
  for (const candidate of candidates) {
    const missing = missingOf(candidate, request);
    const asked = selectors.some((selector) => candidate.ownSelectors.has(selector) && selectsBy(candidate, selector));
    if (missing !== undefined && asked && knowsAll(candidate, selectors)) {
      return { kind: 'incomplete', name: candidate.name, missing };
    }
  }
  const possible = selectors.filter((selector) => candidates.some((candidate) => selectsBy(candidate, selector)));
  return possible.length < selectors.length
    ? { kind: 'method-not-allowed' }
    : { kind: 'conflict', parameters: selectors };
}

/** What the request lacks to be this operation, as it stands in the model; `undefined` where nothing. */
function missingOf(candidate: Candidate, { query, headers }: RoutedRequest): string | undefined {
  for (const [name, value] of candidate.literals) {
    const given = query.get(name);
    if (given === undefined || (value !== '' && given !== value))
      return `query:${name}${value === '' ? '' : `=${value}`}`;
  }
  for (const name of candidate.requiredQuery) if (!query.has(name)) return `query:${name}`;
  for (const name of candidate.requiredHeaders) if (!headers.has(name)) return `header:${name}`;
  return undefined;
}

function knowsAll(candidate: Candidate, selectors: readonly string[]): boolean {
  for (const selector of selectors) if (!candidate.ownSelectors.has(selector)) return false;
  return true;
}

function selectsBy(candidate: Candidate, selector: string): boolean {
  return candidate.literals.some(([name]) => name === selector) || candidate.requiredQuery.includes(selector);
}

/** Conditions first; optional parameters tell apart what has the same ones (ListBuckets, ListDirectoryBuckets). */
function rankOf(candidate: Candidate, query: ParameterMap): number {
  const { literals, requiredQuery, requiredHeaders, optionalQuery } = candidate;
  const conditions = literals.length + requiredQuery.length + requiredHeaders.length;
  const optional = optionalQuery.reduce((sum, name) => (query.has(name) ? sum + 1 : sum), 0);
  return conditions * 100 + optional;
}

function presentSelectors(target: TargetKind, query: ParameterMap): readonly string[] {
  const selectors = SELECTORS.get(target);
  const present: string[] = [];
  for (const name of query.names()) if (selectors?.has(name)) present.push(name);
  return present;
}

function readCandidates(): ReadonlyMap<string, readonly Candidate[]> {
  const byPlace = new Map<string, Candidate[]>();
  for (const [key, model] of Object.entries(S3_MODEL)) {
    const place = `${model.method} ${model.target}`;
    const list = byPlace.get(place) ?? [];
    list.push(readCandidate(parseOperationName(key), model));
    byPlace.set(place, list);
  }
  return byPlace;
}

interface ModelRow {
  readonly literals: Readonly<Record<string, string>>;
  readonly required: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
}

function readCandidate(name: OperationName, { literals, required, parameters }: ModelRow): Candidate {
  const requiredQuery = placesIn('query:', required);
  const query = placesIn('query:', Object.values(parameters));
  return {
    name,
    literals: Object.entries(literals),
    requiredQuery,
    requiredHeaders: placesIn('header:', required),
    ownSelectors: new Set([...Object.keys(literals), ...query]),
    optionalQuery: query.filter((parameter) => !requiredQuery.includes(parameter)),
  };
}

/** Every query parameter that selects some operation on a kind of target, whatever its method. */
/** Whether a query parameter is one that selects operations, of whatever target. */
export function selectsOperation(name: string): boolean {
  return TARGETS.some((target) => SELECTORS.get(target)?.has(name) === true);
}

function readSelectors(): ReadonlyMap<TargetKind, ReadonlySet<string>> {
  return new Map(
    TARGETS.map((target) => {
      const rows: readonly (ModelRow & { readonly target: TargetKind })[] = Object.values(S3_MODEL);
      const names = rows
        .filter((row) => row.target === target)
        .flatMap((row) => [...Object.keys(row.literals), ...placesIn('query:', row.required)]);
      return [target, new Set(names)];
    }),
  );
}

function placesIn(prefix: 'query:' | 'header:', places: readonly string[]): readonly string[] {
  return places.filter((place) => place.startsWith(prefix)).map((place) => place.slice(prefix.length));
}

function parseOperationName(name: string): OperationName {
  return name as OperationName;
}
