import { S3Error } from '../domain/s3-error.ts';
import { isPublicPolicy } from './bucket-policy.ts';
import { type PolicyKind, parsePolicy } from './parse-policy.ts';
import type { Policy } from './policy.ts';

/** Policies of one kind that are held ready. */
const COMPILED_MAX = 256;

export interface CompiledPolicy extends Policy {
  readonly isPublic: boolean;
}

/** Stored policies of one kind, ready to be asked: the least recently used is forgotten first. */
export class CompiledPolicies {
  readonly #kind: PolicyKind;
  readonly #compiled = new Map<string, CompiledPolicy | 'unreadable'>();

  constructor(kind: PolicyKind) {
    this.#kind = kind;
  }

  /** `unreadable`: a policy that another version of Pithos understood, or one that was stored by other hands. */
  get(text: string): CompiledPolicy | 'unreadable' {
    const compiled = this.#compiled.get(text) ?? compile(text, this.#kind);
    this.#compiled.delete(text);
    this.#compiled.set(text, compiled);
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > COMPILED_MAX && oldest !== undefined) this.#compiled.delete(oldest);
    return compiled;
  }
}

function compile(text: string, kind: PolicyKind): CompiledPolicy | 'unreadable' {
  try {
    const policy = parsePolicy(text, kind);
    return { ...policy, isPublic: kind === 'bucket' && isPublicPolicy(policy) };
  } catch (error) {
    if (error instanceof S3Error) return 'unreadable';
    throw error;
  }
}
