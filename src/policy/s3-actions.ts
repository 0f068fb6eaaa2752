import { ACTIONS, type Action } from '../domain/actions.ts';
import { codePoints, type Glob, matchCodePoints } from './glob.ts';

const ACTION_POINTS = ACTIONS.map((action) => [action, codePoints(action.toLowerCase())] as const);

/** The actions that a pattern in lower case names; case does not count. */
export function actionsMatching(pattern: Glob): readonly Action[] {
  return ACTION_POINTS.filter(([, points]) => matchCodePoints(pattern, points)).map(([action]) => action);
}
