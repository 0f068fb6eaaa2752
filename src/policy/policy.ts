import type { Action } from '../domain/actions.ts';
import type { Condition } from './conditions.ts';
import type { Principals } from './principals.ts';
import type { Template } from './template.ts';

/** Longest policy, in bytes. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html */
export const POLICY_BYTES_MAX = 20 * 1024;

/** A policy, ready to be asked. */
export interface Policy {
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  /** `undefined` in an identity policy: whoever has it. */
  readonly principals: Selection<Principals> | undefined;
  readonly actions: SelectedActions;
  readonly resources: Selection<readonly Template[]>;
  readonly conditions: readonly Condition[];
}

/** What an element names, or with `Not` before it all but that. */
export interface Selection<Named> {
  readonly excludes: boolean;
  readonly named: Named;
}

export interface SelectedActions extends Selection<ReadonlySet<Action>> {
  /** What each of the patterns stands for that the policy has. */
  readonly patterns: readonly (readonly Action[])[];
}
