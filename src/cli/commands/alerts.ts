/** Commands about alerts: list, acknowledge, mute, and try receivers. */

import type { Command } from 'commander';
import type { WireAlert, WireNotification, WireReceiverList } from '../../api/wire/alerts.ts';
import { nearest } from '../../scheduler/job/schema/nearest.ts';
import { systemConditions } from '../../scheduler/model/alert.ts';
import { ProblemError } from '../client-errors.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { periodUpTo } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import { nothing, short, table, tinted, when, whenExactly, zoned } from '../words.ts';

/** Long enough to mend something in the night. */
const MUTED_MS = 8 * 3_600_000;

export function addAlertCommands(program: Command, shell: Shell): void {
  addAlerts(program, shell);
  program
    .command('ack')
    .argument('<job>', 'or the id of an alert that is not about a job')
    .argument('[condition]', 'such as failed or late; default: all open alerts of the job')
    .option(
      '--for <duration>',
      'how long, such as 2h, at most 366 days (default: until the alert ends)',
      periodUpTo(366),
    )
    .description('say that you take care of the alerts of a job')
    .action((job: string, condition: string | undefined, options: { for?: number }, command: Command) =>
      shell.run(command, (session) => acknowledge(session, job, condition, options.for)),
    );
  program
    .command('mute')
    .argument('<job>')
    .requiredOption('--reason <text>', 'why no messages are needed (required)')
    .option(
      '--for <duration>',
      'how long, such as 2h or P1D, at most 366 days (default: 8h)',
      periodUpTo(366),
    )
    .description('send no messages about a job for a time')
    .action((job: string, options: { for?: number; reason: string }, command: Command) =>
      shell.run(command, async (session) => {
        const until = new Date(session.io.now() + (options.for ?? MUTED_MS)).toISOString();
        const mute = await session.client.mute(job, { until, reason: options.reason });
        if (session.json) session.printJson(mute);
        else session.print(`${job} is muted until ${whenExactly(mute.until, session.io)}`);
        return exitCodes.ok;
      }),
    );
  program
    .command('unmute')
    .argument('<job>')
    .description('send messages about a job again')
    .action((job: string, _, command: Command) =>
      shell.run(command, async (session) => {
        const mute = await session.client.unmute(job);
        if (session.json) session.printJson(mute);
        else session.print(`${job} is no longer muted`);
        return exitCodes.ok;
      }),
    );
}

function addAlerts(program: Command, shell: Shell): void {
  const alerts = program
    .command('alerts')
    .argument('[job]', 'also the ended alerts of this job')
    .description('list open alerts, or all kept alerts of one job')
    .action((job: string | undefined, _, command: Command) =>
      shell.run(command, async (session) => {
        const found =
          job === undefined ? await openAlerts(session) : await alertsOf(session, job, alerts.commands);
        if (session.json) session.printJson(found);
        else printAlerts(session, found);
        return exitCodes.ok;
      }),
    );
  alerts
    .command('outbox')
    .description('list messages that are owed, or could not be delivered')
    .action((_, command: Command) =>
      shell.run(command, async (session) => {
        const owed: WireNotification[] = [];
        for await (const message of session.client.notifications({})) owed.push(message);
        if (session.json) session.printJson(owed);
        else printOutbox(session, owed);
        return exitCodes.ok;
      }),
    );
  alerts
    .command('resend')
    .argument('<id>', 'of `carillon alerts outbox`')
    .description('send a message again that could not be delivered')
    .action((id: string, _, command: Command) =>
      shell.run(command, async (session) => {
        const sent = await session.client.sendAgain(id);
        if (session.json) session.printJson(sent);
        else session.print(`${id} will be sent to ${sent.receiver}`);
        return exitCodes.ok;
      }),
    );
  alerts
    .command('receivers')
    .description('list the receivers of this server, and what is wrong with its file of alerts')
    .action((_, command: Command) =>
      shell.run(command, async (session) => {
        const list = await session.client.receivers();
        if (session.json) session.printJson(list);
        else printReceivers(session, list);
        return exitCodes.ok;
      }),
    );
  alerts
    .command('test')
    .argument('<receiver>')
    .description('send a test message to a receiver')
    .action((receiver: string, _, command: Command) =>
      shell.run(command, async (session) => {
        const tested = await session.client.testReceiver(receiver);
        if (session.json) session.printJson(tested);
        else session.print(`${receiver} accepted the test message`);
        return exitCodes.ok;
      }),
    );
}

async function openAlerts({ client }: Session): Promise<readonly WireAlert[]> {
  const found: WireAlert[] = [];
  for await (const alert of client.alerts({})) found.push(alert);
  return found;
}

/** A command that is misspelt looks like a job: `carillon alerts outbx`. */
const alertsOf = (
  { client }: Session,
  job: string,
  commands: readonly Command[],
): Promise<readonly WireAlert[]> =>
  client.jobAlerts(job).catch((error: unknown) => {
    const near = nearest(
      job,
      commands.map((each) => each.name()),
    );
    if (near === null || !(error instanceof ProblemError) || error.problem.code !== 'JOB_NOT_FOUND')
      throw error;
    const detail = `${error.problem.detail} Did you mean carillon alerts ${near}?`;
    throw new ProblemError({ ...error.problem, detail });
  });

function printAlerts({ io, print }: Session, alerts: readonly WireAlert[]): void {
  if (alerts.length === 0) {
    print('no alerts');
    return;
  }
  const rows = alerts.map((alert) => [
    alert.job ?? alert.id,
    tinted(alert.condition, io),
    alert.severity,
    when(alert.since, io),
    alert.endedAt === null ? 'open' : when(alert.endedAt, io),
    String(alert.count),
    alert.downstream === 0 ? nothing : String(alert.downstream),
    alert.acknowledgedBy ?? nothing,
    alert.notified.join(', ') || nothing,
    short(alert.reason) || nothing,
  ]);
  const head = [
    'JOB',
    'ALERT',
    'SEVERITY',
    zoned('SINCE', io),
    zoned('ENDED', io),
    'COUNT',
    'DOWNSTREAM',
    'ACK BY',
    'NOTIFIED',
    'REASON',
  ];
  print(table(head, rows, io));
}

function printOutbox({ io, print }: Session, owed: readonly WireNotification[]): void {
  if (owed.length === 0) {
    print('no messages are owed');
    return;
  }
  const rows = owed.map(({ receiver, state, job, condition, step, tries, at, id, error }) => [
    receiver,
    tinted(state, io),
    job ?? nothing,
    `${condition} ${step}`,
    when(at, io),
    String(tries),
    id,
    error ?? nothing,
  ]);
  print(table(['RECEIVER', 'STATE', 'JOB', 'ABOUT', zoned('SINCE', io), 'TRIES', 'ID', 'ERROR'], rows, io));
}

function printReceivers({ print }: Session, { items, problem }: WireReceiverList): void {
  if (items.length === 0) print('no receivers');
  for (const { name } of items) print(name);
  if (problem !== null) print(`The file of alerts has changed and cannot be used: ${problem}`);
}

/** The id of an alert that is not about a job. */
const systemAlert = new RegExp(`^carillon\\.(?:${systemConditions.join('|')})\\.`);

/** One alert, or all open ones of the job. */
async function acknowledge(
  session: Session,
  job: string,
  condition: string | undefined,
  forMs: number | undefined,
): Promise<ExitCode> {
  const { client, io } = session;
  const body = forMs === undefined ? {} : { until: new Date(io.now() + forMs).toISOString() };
  const done: WireAlert[] = [];
  if (condition === undefined && systemAlert.test(job)) done.push(await client.acknowledgeById(job, body));
  else {
    const open = condition === undefined ? await openConditions(session, job) : [condition];
    for (const each of open) done.push(await client.acknowledge(job, each, body));
  }
  if (session.json) session.printJson(done);
  else if (done.length === 0) session.print(`${job} has no open alerts`);
  else
    for (const alert of done)
      session.print(
        `${job}: ${alert.condition} acknowledged by ${alert.acknowledgedBy}${alert.acknowledgedUntil === null ? '' : ` until ${whenExactly(alert.acknowledgedUntil, io)}`}`,
      );
  return exitCodes.ok;
}

const openConditions = async ({ client }: Session, job: string): Promise<string[]> =>
  (await client.jobAlerts(job)).filter(({ endedAt }) => endedAt === null).map(({ condition }) => condition);
