import { parseConditionKey } from './condition-keys.ts';
import { ANY, codePoints, type Glob, ONE } from './glob.ts';
import { malformedPolicy, quoted } from './malformed-policy.ts';
import type { ConditionContext } from './policy-request.ts';

/** Text of a policy that wildcards and policy variables stand in. */
export type Template = readonly Piece[];

type Piece =
  | { readonly kind: 'fixed'; readonly glob: Glob }
  | { readonly kind: 'variable'; readonly key: string; readonly otherwise: string | undefined };

export interface TemplateSyntax {
  /** Whether `*` and `?` are wildcards. */
  readonly wildcards: boolean;
  /** Whether `${…}` is a policy variable: since version 2012-10-17. */
  readonly variables: boolean;
}

const VARIABLE = /\$\{([^}]*)\}/g;
const WITH_DEFAULT = /^\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?$/;
/** Longer than any text of a request, wildcards of a whole policy not counted: what expands to more matches nothing. */
const EXPANDED_TOKENS_MAX = 64 * 1024;
/** Variables that stand for the sign itself. */
const SIGNS = ['*', '?', '$'];

/**
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 * Errors: as `parseConditionKey`; MalformedPolicy 400.
 */
export function parseTemplate(text: string, { wildcards, variables }: TemplateSyntax): Template {
  const fixed = (part: string): Piece => ({ kind: 'fixed', glob: wildcards ? globOf(part) : codePoints(part) });
  if (!variables) return [fixed(text)];
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(VARIABLE)) {
    pieces.push(fixed(text.slice(end, match.index)), parseVariable(match[1] ?? ''));
    end = match.index + match[0].length;
  }
  const rest = text.slice(end);
  if (rest.includes('${')) throw malformedPolicy(`A policy variable is not closed in ${quoted(text)}.`);
  return [...pieces, fixed(rest)];
}

/** Whether it says the same for every request, and has no wildcard. */
export function isFixed(template: Template): boolean {
  return template.every((piece) => piece.kind === 'fixed' && !piece.glob.some((token) => token < 0));
}

/** What `template` is for a request; `undefined` where the request lacks the key of a variable that has no default. */
export function expand(template: Template, request: ConditionContext): Glob | undefined | 'depends' {
  const [only] = template;
  if (template.length === 1 && only?.kind === 'fixed') return only.glob;
  const glob: number[] = [];
  for (const piece of template) {
    if (piece.kind === 'fixed') {
      glob.push(...piece.glob);
      continue;
    }
    const values = request.valuesOf(piece.key);
    if (values === 'depends') return 'depends';
    const value = values?.[0] ?? piece.otherwise;
    if (value === undefined) return undefined;
    if (glob.length < EXPANDED_TOKENS_MAX) glob.push(...codePoints(value));
  }
  return glob;
}

/** `template` with each variable standing for any text. */
export function widen(template: Template): Glob {
  return template.flatMap((piece) => (piece.kind === 'fixed' ? piece.glob : [ANY]));
}

export function globOf(text: string): Glob {
  return codePoints(text).map((point) => {
    if (point === STAR) return ANY;
    return point === QUESTION_MARK ? ONE : point;
  });
}

const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

function parseVariable(inside: string): Piece {
  if (SIGNS.includes(inside)) return { kind: 'fixed', glob: codePoints(inside) };
  const [, name, otherwise] = WITH_DEFAULT.exec(inside) ?? [];
  if (name === undefined) throw malformedPolicy(`Policy has an invalid variable: ${quoted(inside)}`);
  const key = parseConditionKey(name);
  if (key === 's3:requestobjecttagkeys') {
    throw malformedPolicy(`A key of many values cannot be a policy variable: ${quoted(inside)}`);
  }
  return { kind: 'variable', key, otherwise };
}
