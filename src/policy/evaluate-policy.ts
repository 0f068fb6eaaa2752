import { matchCondition } from './conditions.ts';
import { matchGlob } from './glob.ts';
import { everyOf, type Match, not, someOf } from './match.ts';
import type { Policy, Statement } from './policy.ts';
import type { PolicyRequest } from './policy-request.ts';
import { includesPrincipal } from './principals.ts';
import { expand } from './template.ts';

/** What a policy says of a request: whether a statement of it allows, and whether one denies, which counts more. */
export interface PolicyEffect {
  readonly allows: Match;
  readonly denies: Match;
}

/**
 * Asks a policy about a request.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
 */
export function evaluatePolicy({ statements }: Policy, request: PolicyRequest): PolicyEffect {
  const matching = (effect: Statement['effect']) =>
    someOf(statements, (statement) => (statement.effect === effect ? matchStatement(statement, request) : 'no'));
  return { allows: matching('Allow'), denies: matching('Deny') };
}

/** The cheapest comes first: most statements of a policy are about something else. */
function matchStatement(statement: Statement, request: PolicyRequest): Match {
  const { actions, principals, resources, conditions } = statement;
  if (actions.named.has(request.action) === actions.excludes) return 'no';
  if (principals !== undefined && includesPrincipal(principals.named, request.principal) === principals.excludes) {
    return 'no';
  }
  const resource = matchResource(resources, request);
  if (resource === 'no') return 'no';
  const condition = everyOf(conditions, (each) => matchCondition(each, request));
  return condition === 'yes' ? resource : condition;
}

/** A variable that the request has no value for makes a statement one about something else, with `NotResource` too. */
function matchResource({ excludes, named }: Statement['resources'], request: PolicyRequest): Match {
  let isUnresolved = false;
  const match = someOf(named, (template) => {
    const glob = expand(template, request);
    if (glob === 'depends') return 'depends';
    if (glob !== undefined) return matchGlob(glob, request.resource) ? 'yes' : 'no';
    isUnresolved = true;
    return 'no';
  });
  if (!excludes) return match;
  return isUnresolved ? 'no' : not(match);
}
