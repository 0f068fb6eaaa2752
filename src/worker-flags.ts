/** V8 takes up to three of these for what is new, in MiB; Node 24 would let it take more than twice as much. */
const NEW_SPACE_MIB = 16;
const NEW_SPACE_FLAG = '--max-semi-space-size';
/** V8 takes underscores too. */
const SETS_NEW_SPACE = /--max[-_]semi[-_]space[-_]size/;

/**
 * The flags that worker processes run with: those of this one, and a bound of what V8 takes for what is new, unless the
 * user has set one. Source: https://nodejs.org/api/cli.html#--max-semi-space-sizesize-in-mib
 */
export function workerFlags({ execArgv, env }: Pick<NodeJS.Process, 'execArgv' | 'env'> = process): string[] {
  const isSet = [...execArgv, env['NODE_OPTIONS'] ?? ''].some((flags) => SETS_NEW_SPACE.test(flags));
  return isSet ? execArgv : [...execArgv, `${NEW_SPACE_FLAG}=${NEW_SPACE_MIB}`];
}
