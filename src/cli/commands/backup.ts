/** Backs up a running installation to a file, and restores an installation from one. */

import { createWriteStream, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { CarillonError } from '../../errors.ts';
import type { BackupCounts, Restore, RestoreOptions } from '../../node/restore-options.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { writing } from '../job-files.ts';
import { wholeFrom } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import { counted } from '../words.ts';
import { restoreRevision } from './past.ts';

export function addBackupCommands(program: Command, shell: Shell, restore: Restore): void {
  program
    .command('backup')
    .description('write a backup of everything that a running server stores')
    .requiredOption('--to <file>', 'file to create; it must not exist')
    .addHelpText(
      'after',
      '\nThe file has all job definitions in clear text, including passwords in `run.env`. Only its ' +
        'owner can read it.\n\nExample:\n  carillon backup --to carillon-$(date +%F).backup',
    )
    .action((options: { to: string }, command: Command) =>
      shell.run(command, (session) => backUp(session, options.to, restore)),
    );
  program
    .command('restore')
    .argument('<what>', 'backup file from carillon backup, or the name of a job')
    .argument('[revision]', 'for a job: the number of the revision', wholeFrom(1))
    .description(
      'restore a store from a backup while no scheduler uses it, or restore an old revision of a job',
    )
    .addOption(
      new Option('--data-dir <folder>', 'restore into the embedded store of this data directory').conflicts(
        'zk',
      ),
    )
    .option(
      '--zk <hosts>',
      'restore into ZooKeeper, at a path without an installation: zk1:2181,zk2:2181/carillon',
    )
    .option('--zk-auth-file <file>', 'file with user:password for ZooKeeper')
    .option('--zk-tls-ca <file>', 'file with the authority of the ZooKeeper servers')
    .option('--zk-tls-cert <file>', 'file with a certificate as the login to ZooKeeper')
    .option('--zk-tls-key <file>', 'file with the key of that certificate')
    .option('--insecure-zk', 'without a login: whoever reaches ZooKeeper can change all jobs')
    .addOption(
      new Option('--replace', 'move an existing store aside and put the restored one in its place').conflicts(
        'zk',
      ),
    )
    .option('--new-identity', 'restore as a second installation, while the first one still runs')
    .option(
      '--keep-unfinished',
      'assert that nothing has run since the backup: resume unfinished runs as after a restart',
    )
    .option('--with-tokens', 'restore tokens too, also those that were revoked after the backup was taken')
    .option('--check', 'read the whole backup and print a summary, without restoring it')
    .addHelpText(
      'after',
      "\nWithout --new-identity the first installation must be stopped: each would kill the other's " +
        'runs.\n\nExamples:\n  carillon restore carillon.backup --data-dir /var/lib/carillon --replace\n  ' +
        'carillon restore carillon.backup --zk zk1:2181,zk2:2181,zk3:2181/carillon --zk-auth-file zk-login\n  ' +
        'carillon restore sales-daily 7',
    )
    .action((what: string, revision: number | undefined, options: Given, command: Command) =>
      shell.run(command, (session) =>
        revision === undefined
          ? restoreFrom(session, what, options, restore)
          : restoreRevision(session, what, revision),
      ),
    );
}

type Given = Partial<Omit<RestoreOptions, 'file'>>;

async function backUp(session: Session, file: string, restore: Restore): Promise<ExitCode> {
  if (existsSync(file)) {
    throw new CarillonError('INVALID_FIELD', `${file} already exists, and a backup never replaces a file.`, {
      field: 'to',
      value: file,
      allowed: 'the name of a file that does not exist',
    });
  }
  // Written under another name until it is complete, so that a file of this name is always usable.
  const partial = join(dirname(file), `.${basename(file)}.partial`);
  writing(partial, () => writeFileSync(partial, '', { mode: 0o600 }));
  session.progress(`writing a backup of ${session.client.url} to ${file} …`);
  try {
    await pipeline(Readable.from(session.client.backup()), createWriteStream(partial, { flush: true }));
  } catch (error) {
    rmSync(partial, { force: true });
    // Reports a full disk by name; all other failures already come from the client.
    return writing(file, () => {
      throw error;
    });
  }
  const { takenAt, counts } = await restore({ ...readOnly, file: partial });
  writing(file, () => renameSync(partial, file));
  if (session.json) session.printJson({ file, takenAt, counts });
  else session.print(`${file}: ${inWords(counts)}, as of ${takenAt}`);
  return exitCodes.ok;
}

const readOnly = {
  dataDir: '',
  zk: null,
  zkAuthFile: null,
  replace: false,
  newIdentity: false,
  keepUnfinished: false,
  withTokens: false,
  check: true,
} as const;

async function restoreFrom(
  session: Session,
  file: string,
  options: Given,
  restore: Restore,
): Promise<ExitCode> {
  const { dataDir, zk = null } = options;
  if (dataDir === undefined && zk === null && options.check !== true) {
    throw new CarillonError('MISSING_FIELD', `No target to restore ${file} to.`, {
      field: 'data-dir',
      allowed: '--data-dir or --zk for a backup; a revision number for a job',
    });
  }
  const restored = await restore({ ...readOnly, check: false, ...options, file, dataDir: dataDir ?? '', zk });
  if (session.json) session.printJson(restored);
  else if (options.check === true)
    session.print(`${file}: ${inWords(restored.counts)}, as of ${restored.takenAt}`);
  else {
    session.print(`restored ${inWords(restored.counts)}, as of ${restored.takenAt}`);
    if (restored.aside !== null) session.print(`the previous store was moved to ${restored.aside}`);
    const { tokens } = restored.counts;
    if (tokens > 0 && options.withTokens !== true)
      session.print(
        `${counted(tokens, 'token')} of the backup left out, because some may have been revoked since: ` +
          'create new ones, or restore with --with-tokens',
      );
    if (options.newIdentity !== true)
      session.print(
        'the restored store has the identity of the backup: the original scheduler must not run any more',
      );
  }
  return exitCodes.ok;
}

function inWords({ jobs, unfinishedRuns, records }: BackupCounts): string {
  return (
    `${counted(jobs, 'job')}, ${counted(unfinishedRuns, 'unfinished run')}, ` +
    `${counted(records, 'record')} in total`
  );
}
