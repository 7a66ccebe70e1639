/** Commands about who may do what: log in and out, tokens, and the audit. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { WireAuditLine, WireBinding, WireNewToken, WireToken } from '../../api/wire/access.ts';
import { type Grant, grants, type Role, roles } from '../../scheduler/access/principal.ts';
import { keepLogIn } from '../credentials.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { each, periodUpTo, positive } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import { card, counted, moment, nothing, table, when, zoned } from '../words.ts';

export function addAccessCommands(program: Command, shell: Shell): void {
  addLogIn(program, shell);
  addTokens(program, shell);
  addKeys(program, shell);
  addAudit(program, shell);
}

function addLogIn(program: Command, shell: Shell): void {
  program
    .command('login')
    .description("log in through the server's identity provider, with a browser on any device")
    .addHelpText('after', '\nThe session is kept for eight hours, in a file that only you can read.')
    .action((_, command: Command) => shell.run(command, logIn));
  program
    .command('logout')
    .option('--everywhere', 'end all your sessions, in browsers too')
    .description('end the session of carillon login')
    .action((options: { everywhere?: boolean }, command: Command) =>
      shell.run(command, async (session) => {
        const { client, io } = session;
        if (options.everywhere === true) await client.endSessions();
        else await client.logOut();
        if (io.stateDir !== undefined) keepLogIn(io.stateDir, client.url, null);
        if (session.json) session.printJson({});
        else session.print(options.everywhere ? 'All your sessions have ended.' : 'You are logged out.');
        return exitCodes.ok;
      }),
    );
  program
    .command('whoami')
    .description('show who the server takes you for, and what you may do')
    .action((_, command: Command) =>
      shell.run(command, async (session) => {
        const me = await session.client.me();
        if (session.json) session.printJson(me);
        else
          session.print(
            card(
              [
                ['name', me.name],
                ['kind', me.kind],
                ['roles', me.bindings.map(inWords).join('; ') || nothing],
                ['everywhere', me.everywhere.join(', ') || nothing],
                ['for some jobs', me.somewhere.join(', ') || nothing],
                ...(me.problem === undefined ? [] : [['not read', me.problem] as const]),
              ],
              session.io,
            ),
          );
        return exitCodes.ok;
      }),
    );
}

async function logIn(session: Session): Promise<ExitCode> {
  const { client, io } = session;
  const begun = await client.beginLogIn();
  io.err(
    begun.wholeUrl === null
      ? `Open ${begun.url} and enter the code ${begun.userCode}\n`
      : `Open ${begun.wholeUrl} and confirm the code ${begun.userCode}\n`,
  );
  const until = io.now() + begun.expiresInS * 1_000;
  for (;;) {
    await io.sleep(begun.everyS * 1_000);
    const { session: text } = await client.finishLogIn(begun.device);
    if (text !== null) {
      if (io.stateDir !== undefined) keepLogIn(io.stateDir, client.url, text);
      break;
    }
    if (io.now() >= until) {
      io.err('error: The log-in took too long. Begin again.\n');
      return exitCodes.failed;
    }
  }
  const me = await client.me();
  if (session.json) session.printJson(me);
  else session.print(`You are ${me.name}, for eight hours.`);
  return exitCodes.ok;
}

interface CreateOptions {
  readonly role: Role;
  readonly jobs?: string;
  readonly labels?: readonly string[];
  readonly grant?: Grant[];
  readonly expires?: number;
}

function addTokens(program: Command, shell: Shell): void {
  const token = program.command('token').description('create, list and revoke tokens for programs');
  token
    .command('create')
    .argument('<name>', 'for people, such as deploy')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
    .option('--jobs <pattern>', "only for jobs with such names, such as 'sales-*'")
    .option('--labels <name=value>', 'only for jobs with this label; may be repeated', each)
    .addOption(
      new Option('--grant <right>', 'a right beside those of the role; may be repeated')
        .choices(grants)
        .argParser(grantsWith),
    )
    .option('--expires <duration>', 'such as P90D (default: never)', periodUpTo(3_660))
    .description('create a token; its text is shown this once')
    .action((name: string, options: CreateOptions, command: Command) =>
      shell.run(command, (session) => createToken(session, name, options)),
    );
  token
    .command('list')
    .description('list tokens, without their texts')
    .action((_, command: Command) =>
      shell.run(command, async (session) => {
        const tokens: WireToken[] = [];
        for await (const one of session.client.tokens()) tokens.push(one);
        if (session.json) session.printJson(tokens);
        else printTokens(session, tokens);
        return exitCodes.ok;
      }),
    );
  token
    .command('revoke')
    .argument('<token>', 'its id or name')
    .description('refuse a token from now on')
    .action((given: string, _, command: Command) =>
      shell.run(command, async (session) => {
        const revoked = await session.client.revokeToken(await idOf(session, given));
        if (session.json) session.printJson(revoked);
        else session.print(`${revoked.name} is revoked.`);
        return exitCodes.ok;
      }),
    );
}

function grantsWith(text: string, before: Grant[] = []): Grant[] {
  const grant = grants.find((known) => known === text);
  if (grant === undefined) throw new InvalidArgumentError(`Allowed: ${grants.join(', ')}.`);
  return [...before, grant];
}

async function createToken(session: Session, name: string, options: CreateOptions): Promise<ExitCode> {
  const { role, jobs, labels, grant, expires } = options;
  const binding: WireBinding = {
    role,
    ...(jobs !== undefined && { jobs }),
    ...(labels !== undefined && { labels: Object.fromEntries(labels.map(pairIn)) }),
    ...(grant !== undefined && { grants: grant }),
  };
  const expiresAt = expires === undefined ? null : new Date(session.io.now() + expires).toISOString();
  const created: WireNewToken = await session.client.createToken({
    ...{ name, bindings: [binding] },
    ...(expiresAt !== null && { expiresAt }),
  });
  if (session.json) session.printJson(created);
  else {
    // The text alone on standard output, for scripts.
    session.io.err(`${name} may: ${inWords(binding)}. Keep its text: it is not shown again.\n`);
    session.print(created.token);
  }
  return exitCodes.ok;
}

export function pairIn(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** An id is one of a token; names are unique too. */
async function idOf({ client }: Session, given: string): Promise<string> {
  for await (const { id, name } of client.tokens()) if (name === given) return id;
  return given;
}

function printTokens({ io, print }: Session, tokens: readonly WireToken[]): void {
  if (tokens.length === 0) {
    print('No tokens.');
    return;
  }
  const rows = tokens.map(({ id, name, bindings, createdBy, expiresAt, usedAt }) => [
    ...[name, id, bindings.map(inWords).join('; '), createdBy],
    ...[when(expiresAt, io), usedAt === null ? 'never' : when(usedAt, io)],
  ]);
  print(table(['NAME', 'ID', 'MAY', 'CREATED BY', zoned('EXPIRES', io), zoned('LAST USE', io)], rows, io));
}

/** `editor of sales-* with team=sales, and logs`. */
function inWords({ role, grants: more = [], jobs, labels }: WireBinding): string {
  const pairs = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
  const scope = [
    jobs === undefined ? '' : ` of ${jobs}`,
    pairs.length === 0 ? '' : ` with ${pairs.join(', ')}`,
  ];
  return `${role}${scope.join('')}${more.length === 0 ? '' : `, and ${more.join(', ')}`}`;
}

function addKeys(program: Command, shell: Shell): void {
  program
    .command('auth')
    .description('the keys that sign sessions and requests between nodes')
    .command('rotate-key')
    .description('sign with a new key from now on; sessions of the key before last end')
    .action((_, command: Command) =>
      shell.run(command, async (session) => {
        const key = await session.client.rotateKey();
        if (session.json) session.printJson(key);
        else
          session.print(
            `The key ${key.id} signs from now on. Sessions of the key before it go on until the next rotation.`,
          );
        return exitCodes.ok;
      }),
    );
}

interface AuditOptions {
  readonly by?: string;
  readonly action?: string;
  readonly on?: string;
  readonly outcome?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

function addAudit(program: Command, shell: Shell): void {
  program
    .command('audit')
    .option('--by <name>', 'who did it')
    .option('--action <action>', 'such as put-job, log-in or request')
    .option('--on <what>', 'job, run, token or address')
    .addOption(new Option('--outcome <outcome>', 'how it ended').choices(['done', 'refused']))
    .option('--from <time>', 'start of the range, included')
    .option('--to <time>', 'end of the range, not included')
    .option('-n, --limit <number>', 'at most so many, newest first', positive, 50)
    .description('show who did what, and what was refused')
    .action((options: AuditOptions, command: Command) =>
      shell.run(command, async (session) => {
        const lines: WireAuditLine[] = [];
        for await (const line of session.client.audit({ ...options })) lines.push(line);
        if (session.json) session.printJson(lines);
        else printAudit(session, lines);
        return exitCodes.ok;
      }),
    );
}

function printAudit({ io, print }: Session, lines: readonly WireAuditLine[]): void {
  if (lines.length === 0) {
    print('No lines.');
    return;
  }
  const rows = lines.map(({ at, by, from, action, on, outcome, reason }) => [
    ...[moment(at, io.timezone), by.name, from ?? nothing, action, on ?? nothing],
    outcome === 'done' ? outcome : `${outcome}: ${reason ?? ''}`,
  ]);
  print(table([zoned('TIME', io), 'BY', 'FROM', 'ACTION', 'ON', 'OUTCOME'], rows, io));
  print(counted(lines.length, 'line'));
}
