/** `carillon certs`: an authority of one installation, and the certificates of its nodes. */

import { type Command, InvalidArgumentError } from 'commander';
import { authorityName, certificatesIn, type PairFiles, readAuthority, writePair } from '../certs/folder.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Session, Shell } from '../shell.ts';
import { nothing, table, when, zoned } from '../words.ts';

const defaultDir = 'certs';

/** Names become names of files and, below, of keys in alerts. */
function nodeName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(text) && text !== authorityName) return text;
  throw new InvalidArgumentError(`Allowed: letters, digits and ._-, and not ${authorityName}.`);
}

function hostNames(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => /^[A-Za-z0-9*.:_-]{1,253}$/.test(name))) return [...before, ...names];
  throw new InvalidArgumentError('Allowed: host names and addresses without ports, separated by commas.');
}

interface NodeOptions {
  readonly host: readonly string[];
  readonly in: string;
  readonly force?: boolean;
}

export function addCertsCommand(program: Command, shell: Shell): void {
  const certs = program
    .command('certs')
    .description('make certificates for TLS and for what nodes tell each other');
  certs
    .command('init')
    .description('make an authority, which is valid for ten years')
    .option('--out <folder>', 'where its files are written', defaultDir)
    .action((options: { out: string }, command: Command) =>
      shell.run(command, async (session) => {
        const { makeAuthority } = await import('../certs/make.ts');
        const pair = await makeAuthority('Carillon', session.io.now());
        report(session, writePair(options.out, authorityName, pair, false));
        return exitCodes.ok;
      }),
    );
  certs
    .command('node')
    .argument('<name>', 'name of the node', nodeName)
    .description('make a certificate for a node, which is valid for a year')
    .requiredOption(
      '--host <name,…>',
      'names and addresses by which it is reached; may be repeated',
      hostNames,
    )
    .option('--in <folder>', 'where the authority is, and the files are written', defaultDir)
    .option('--force', 'renew it: replace the files')
    .action((name: string, options: NodeOptions, command: Command) =>
      shell.run(command, async (session) => {
        const { makeNode } = await import('../certs/make.ts');
        const authority = readAuthority(options.in);
        const pair = await makeNode(authority, { name, hosts: options.host }, session.io.now());
        report(session, writePair(options.in, name, pair, options.force === true));
        return exitCodes.ok;
      }),
    );
  certs
    .command('show')
    .argument('[folder]', 'where the certificates are', defaultDir)
    .description('list the certificates in a folder, and when they end')
    .action((folder: string, _, command: Command) =>
      shell.run(command, async (session) => {
        const shown = certificatesIn(folder);
        if (session.json) session.printJson(shown);
        else {
          const rows = shown.map(({ file, name, hosts, ends, by }) => [
            ...[file, name, hosts.join(', ') || nothing, when(ends, session.io), by],
          ]);
          session.print(table(['FILE', 'NAME', 'HOSTS', zoned('ENDS', session.io), 'BY'], rows, session.io));
        }
        return exitCodes.ok;
      }),
    );
}

function report(session: Session, files: PairFiles): void {
  if (session.json) session.printJson(files);
  else session.print(`wrote ${files.cert} and ${files.key}`);
}
