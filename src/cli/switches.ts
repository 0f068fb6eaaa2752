import { parseArgs } from 'node:util';
import { CommandError } from './exit-code.ts';

const SWITCHES = {
  path: { type: 'string', short: 'f' },
  action: { type: 'string', short: 'a' },
  quiet: { type: 'boolean', short: 'q' },
  'no-quiet': { type: 'boolean' },
} as const;

/**
 * The command line that the switches of the original mean: `-f pithos.yaml -a install-schema`. `undefined` where they
 * are not these, and nothing else. Throws `CommandError` for an action that there is not.
 */
export function translateSwitches(argv: readonly string[]): readonly string[] | undefined {
  const given = parseSwitches(argv);
  if (given === undefined) return undefined;
  const { path, action = 'api-run', quiet = false } = given;
  const config = path === undefined ? [] : ['--config', path];
  const quietly = quiet ? ['--quiet'] : [];
  switch (action) {
    case 'api-run':
      return ['serve', ...config, ...quietly];
    case 'install-schema':
      return ['install-schema', ...config, ...quietly];
    default:
      throw new CommandError(`There is no action ${action}: there is api-run and install-schema.`);
  }
}

function parseSwitches(argv: readonly string[]) {
  if (argv.length === 0) return undefined;
  try {
    return parseArgs({ args: [...argv], options: SWITCHES, strict: true, allowPositionals: false }).values;
  } catch {
    // Anything else is a command line of today, and its mistakes are told in its own words.
    return undefined;
  }
}
