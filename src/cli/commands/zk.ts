/** `carillon zk`: the state in ZooKeeper. */

import type { Command } from 'commander';
import { CarillonError, invariant } from '../../errors.ts';
import type { Protect, ProtectOptions } from '../../node/restore-options.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Shell } from '../shell.ts';
import { counted } from '../words.ts';

/** Nodes between two lines of progress. */
const progressEvery = 10_000;

type Given = Partial<ProtectOptions> & Pick<ProtectOptions, 'zk'>;

export function addZkCommand(program: Command, shell: Shell, protect: Protect | undefined): void {
  program
    .command('zk')
    .description('the state in ZooKeeper')
    .command('protect')
    .description('make a state that everybody may change accessible with one login only')
    .requiredOption('--zk <hosts>', 'the ensemble and the path: zk1:2181,zk2:2181/carillon')
    .option('--zk-auth-file <file>', 'file with user:password, which all nodes use from then on')
    .option('--zk-tls-ca <file>', 'file with the authority of the ZooKeeper servers')
    .option('--zk-tls-cert <file>', 'file with a certificate as the login to ZooKeeper')
    .option('--zk-tls-key <file>', 'file with the key of that certificate')
    .addHelpText('after', '\nStop all nodes first. If it is interrupted, run it again.')
    .action((options: Given, command: Command) =>
      shell.run(command, async (session) => {
        if (options.zkAuthFile === undefined && options.zkTlsCert === undefined) throw withoutLogin();
        invariant(protect !== undefined, 'the program can take over a state');
        let told = 0;
        const nodes = await protect({ zkAuthFile: null, ...options }, (sofar) => {
          if (sofar - told < progressEvery) return;
          told = sofar;
          session.progress(`${counted(sofar, 'node')} protected …`);
        });
        if (session.json) session.printJson({ nodes });
        else session.print(`${counted(nodes, 'node')} protected`);
        return exitCodes.ok;
      }),
    );
}

const withoutLogin = (): CarillonError =>
  new CarillonError('MISSING_FIELD', 'No login to protect the state with.', {
    field: 'zk-auth-file',
    allowed: '--zk-auth-file, or --zk-tls-cert with --zk-tls-key',
  });
