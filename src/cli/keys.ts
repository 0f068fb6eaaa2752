import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { FIRST_OWNER, makeAccessKey } from '../access-keys.ts';
import { loadConfiguration } from '../config/load.ts';
import { requireDataDirectory } from '../data-directory.ts';
import type { AccessKey } from '../domain/access-key.ts';
import { parseAccessKeyId, parseTenantId } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import { parsePolicy } from '../policy/parse-policy.ts';
import { type OpenKeys, openManagedKeys } from '../server.ts';
import {
  type CommandContext,
  type ConfigurationFlags,
  configurationSources,
  withConfiguration,
} from './command-context.ts';
import { CommandError, EXIT } from './exit-code.ts';

const HELP = `
Works beside a running server, which sees a change within a second.

Exit codes: 0 done, 1 there is no such key, 2 could not run.`;

interface CreateFlags extends ConfigurationFlags {
  readonly tenant?: string;
  readonly displayName?: string;
  readonly master?: boolean;
  readonly memberOf?: readonly string[];
  readonly policy?: string;
}

interface UpdateFlags extends ConfigurationFlags {
  /** `false`: `--no-policy`. */
  readonly policy?: string | false;
}

const POLICY_FLAG = ['--policy <file>', 'it may at most what this policy allows (docs/policies.md)'] as const;

/** `pithos keys list|create|update|delete`: the access keys of a data directory or a cluster. */
export function keysCommand(context: CommandContext): Command {
  return new Command('keys')
    .description('list, create, update and delete access keys')
    .addCommand(listCommand(context))
    .addCommand(createCommand(context))
    .addCommand(updateCommand(context))
    .addCommand(deleteCommand(context));
}

function listCommand({ terminal, stop: signal }: CommandContext): Command {
  return withConfiguration(new Command('list'))
    .description('list the access keys')
    .option('--show-secrets', 'their secrets too')
    .addHelpText('after', HELP)
    .action(async (directory: string | undefined, flags: ConfigurationFlags & { showSecrets?: boolean }) => {
      await using opened = await openKeys(directory, flags);
      const { showSecrets = false } = flags;
      for (const key of await opened.keys.listKeys({ signal })) terminal.print(`${keyLine(key, { showSecrets })}\n`);
    });
}

function createCommand({ terminal, stop: signal }: CommandContext): Command {
  return withConfiguration(new Command('create'))
    .description('make a fresh access key and print it with its secret')
    .option('--tenant <name>', 'whose it is; keys of one tenant share their buckets (default pithos)')
    .option('--display-name <name>', 'how listings name the owner (default: the tenant)')
    .option('--master', "may act on every tenant's buckets")
    .option('--member-of <groups...>', 'the groups it belongs to')
    .option(...POLICY_FLAG)
    .addHelpText('after', HELP)
    .action(async (directory: string | undefined, flags: CreateFlags) => {
      if (flags.tenant === '') throw new CommandError('--tenant must not be empty.');
      const policy = flags.policy === undefined ? undefined : await readPolicy(flags.policy);
      await using opened = await openKeys(directory, flags);
      const tenant = flags.tenant === undefined ? FIRST_OWNER.tenant : parseTenantId(flags.tenant);
      const owner = { tenant, displayName: flags.displayName ?? tenant };
      const rights = { master: flags.master ?? false, memberOf: flags.memberOf ?? [] };
      const key: AccessKey = { ...makeAccessKey(owner), ...rights, policy };
      await opened.keys.addKey(key, { signal });
      terminal.print(`${keyLine(key, { showSecrets: true })}\n`);
    });
}

function updateCommand({ terminal, stop: signal, exitWith }: CommandContext): Command {
  const command = new Command('update').argument('<access-key-id>', 'the key');
  return withConfiguration(command)
    .description('change the policy of an access key')
    .option(...POLICY_FLAG)
    .option('--no-policy', 'it may all that its tenant may')
    .addHelpText('after', HELP)
    .action(async (id: string, directory: string | undefined, flags: UpdateFlags) => {
      const { policy: file } = flags;
      if (file === undefined) throw new CommandError('Say what to change: --policy <file> or --no-policy.');
      const policy = file === false ? undefined : await readPolicy(file);
      await using opened = await openKeys(directory, flags);
      const accessKeyId = parseAccessKeyId(id);
      const key = accessKeyId && (await opened.keys.getKey(accessKeyId, { signal }));
      if (key !== undefined && (await opened.keys.replaceKey({ ...key, policy }, { signal }))) {
        terminal.print(`${keyLine({ ...key, policy }, { showSecrets: false })}\n`);
        return;
      }
      terminal.complain(`pithos: there is no access key ${id}.`);
      exitWith(EXIT.found);
    });
}

/** The text of an identity policy that Pithos can evaluate. */
async function readPolicy(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new CommandError(`The policy ${file} cannot be read.`, { cause });
  }
  try {
    parsePolicy(text, 'identity');
    return text;
  } catch (error) {
    if (error instanceof S3Error) throw new CommandError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

function deleteCommand({ terminal, stop: signal, exitWith }: CommandContext): Command {
  const command = new Command('delete').argument('<access-key-id>', 'the key');
  return withConfiguration(command)
    .description('delete an access key')
    .addHelpText('after', HELP)
    .action(async (id: string, directory: string | undefined, flags: ConfigurationFlags) => {
      await using opened = await openKeys(directory, flags);
      const accessKeyId = parseAccessKeyId(id);
      if (accessKeyId !== undefined && (await opened.keys.deleteKey(accessKeyId, { signal }))) return;
      terminal.complain(`pithos: there is no access key ${id}.`);
      exitWith(EXIT.found);
    });
}

async function openKeys(directory: string | undefined, flags: ConfigurationFlags): Promise<OpenKeys> {
  const { config } = await loadConfiguration(configurationSources(directory, flags));
  const { store } = config.keystore;
  switch (store.use) {
    case 'map':
      throw new CommandError('The access keys stand in the configuration file: change them there.');
    case 'memory':
      throw new CommandError('The access keys are in the memory of the server: nothing else can see them.');
    case 'embedded':
      await requireDataDirectory(store.path);
      return await openManagedKeys(config);
    case 'cassandra':
    case 'module':
      return await openManagedKeys(config);
  }
}

function keyLine(key: AccessKey, { showSecrets }: { showSecrets: boolean }): string {
  const fields = [key.accessKeyId, ...(showSecrets ? [key.secret.reveal()] : []), `tenant=${key.tenant}`];
  if (key.displayName !== key.tenant) fields.push(`display-name=${key.displayName}`);
  if (key.master) fields.push('master');
  if (key.memberOf.length > 0) fields.push(`member-of=${key.memberOf.join(',')}`);
  if (key.policy !== undefined) fields.push('policy');
  return fields.join('  ');
}
