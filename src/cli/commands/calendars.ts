/** Commands about calendars: list, show, import, delete; and maintenance. */

import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import type {
  WireCalendar,
  WireCalendarChange,
  WireMaintenance,
} from '../../api/wire/calendars/calendars.ts';
import { readIcs } from '../../calendar-file/ics.ts';
import { horizonOf } from '../../calendar-file/rules.ts';
import { CarillonError } from '../../errors.ts';
import { formatJobFile } from '../../job-file/read.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { readText } from '../job-files.ts';
import { each, instantIn } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import { counted, moment, nothing, table, when, whenExactly, zoned } from '../words.ts';
import { pairIn } from './access.ts';

const DAY_MS = 86_400_000;

export function addCalendarCommands(program: Command, shell: Shell): void {
  addCalendars(program, shell);
  addMaintenance(program, shell);
  addExceptions(program, shell);
}

function addExceptions(program: Command, shell: Shell): void {
  program
    .command('skip-next')
    .argument('<job>')
    .option('--reason <text>', 'why; in the ledger')
    .description('skip the next due time of a job')
    .action((job: string, options: { reason?: string }, command: Command) =>
      shell.run(command, async ({ client, json, io, print, printJson }) => {
        const skipped = await client.calendars.skipNext(job, options);
        if (json) printJson(skipped);
        else print(`${job} does not run at ${whenExactly(skipped.at, io)}`);
        return exitCodes.ok;
      }),
    );
  program
    .command('move')
    .argument('<job>')
    .requiredOption('--from <time>', 'a due time to come (required)')
    .requiredOption('--to <time>', 'when it runs instead (required)')
    .option('--reason <text>', 'why; in the ledger')
    .description('move the run of one due time')
    .action((job: string, options: { from: string; to: string; reason?: string }, command: Command) =>
      shell.run(command, async ({ client, json, io, print, printJson }) => {
        const [from, to] = [instantIn(options.from, 'from', io), instantIn(options.to, 'to', io)];
        const moved = await client.calendars.move(job, { ...options, from, to });
        if (json) printJson(moved);
        else print(`${job} runs at ${whenExactly(moved.movedTo, io)}, not at ${whenExactly(moved.at, io)}`);
        return exitCodes.ok;
      }),
    );
}

interface ImportOptions {
  readonly name?: string;
  readonly timezone?: string;
  readonly dryRun?: boolean;
  readonly print?: boolean;
}

function addCalendars(program: Command, shell: Shell): void {
  const calendars = program
    .command('calendars')
    .argument('[name]', 'show this calendar and the times that it covers')
    .option('--from <time>', 'with a name: from this time on (default: now)')
    .option('--to <time>', 'with a name: up to this time (default: a year later)')
    .description('list calendars, or show one')
    .action((name: string | undefined, options: { from?: string; to?: string }, command: Command) =>
      shell.run(command, (session) =>
        name === undefined ? listCalendars(session) : showCalendar(session, name, options),
      ),
    );
  calendars
    .command('import')
    .argument('<file>', 'an iCalendar file (.ics); - for standard input')
    .option('--name <name>', 'name of the calendar (default: that of the file)')
    .option('--timezone <zone>', 'zone of its times (default: UTC)')
    .option('--print', 'print the calendar as a file for apply, and submit nothing')
    .option('--dry-run', 'show what would change and change nothing')
    .description('submit the events of an iCalendar file as a calendar')
    .action((file: string, options: ImportOptions, command: Command) =>
      shell.run(command, (session) => importIcs(session, file, options)),
    );
  calendars
    .command('delete')
    .argument('<name>')
    .description('delete a calendar that no job uses')
    .action((name: string, _, command: Command) =>
      shell.run(command, async (session) => {
        const calendar = await session.client.calendars.remove(name);
        if (session.json) session.printJson(calendar);
        else session.print(`deleted ${name}`);
        return exitCodes.ok;
      }),
    );
}

async function listCalendars({ client, json, io, print, printJson }: Session): Promise<ExitCode> {
  const calendars = await client.calendars.all();
  if (json) printJson(calendars);
  else if (calendars.length === 0)
    print('no calendars; submit one with `carillon apply -f FILE` or `carillon calendars import FILE.ics`');
  else
    print(
      table(
        ['CALENDAR', 'ZONE', 'ENTRIES', 'JOBS', zoned('CHANGED', io), 'BY'],
        calendars.map((each) => rowOf(each, io)),
        io,
      ),
    );
  return exitCodes.ok;
}

const rowOf = (
  { name, definition, users, updatedAt, updatedBy }: WireCalendar,
  io: Session['io'],
): string[] => {
  const { dates = [], weekly = [], rules = [], timezone = 'UTC' } = definition;
  const entries = String(dates.length + weekly.length + rules.length);
  return [name, timezone, entries, String(users.length), when(updatedAt, io), updatedBy];
};

async function showCalendar(
  { client, json, print, printJson }: Session,
  name: string,
  options: { from?: string; to?: string },
): Promise<ExitCode> {
  const [calendar, preview] = [
    await client.calendars.one(name),
    await client.calendars.preview(name, { from: options.from, to: options.to }),
  ];
  if (json) {
    printJson({ ...calendar, preview });
    return exitCodes.ok;
  }
  print(formatJobFile([calendar.definition]).trimEnd());
  print(`\nrevision ${calendar.revision} by ${calendar.updatedBy}, times in ${preview.timezone}:`);
  for (const { from, to, label } of preview.windows)
    print(
      `  ${moment(from, preview.timezone)} to ${moment(to, preview.timezone)}${label === '' ? '' : `  ${label}`}`,
    );
  if (preview.windows.length === 0) print('  it covers nothing in this time');
  if (!preview.complete) print('  … and more');
  print(calendar.users.length === 0 ? 'no job uses it' : `used by ${calendar.users.join(', ')}`);
  return exitCodes.ok;
}

async function importIcs(session: Session, file: string, options: ImportOptions): Promise<ExitCode> {
  const { client, io, json, print, printJson } = session;
  const text = file === '-' ? await io.stdin() : readText(file);
  const now = io.now();
  const name = options.name ?? nameOf(text, file);
  const { timezone = 'UTC' } = options;
  const source = file === '-' ? 'standard input' : file;
  const range = { from: now - 366 * DAY_MS, to: horizonOf(now) };
  const { document, events } = readIcs(text, { name, timezone, source, ...range });
  if (options.print === true) {
    io.raw(formatJobFile([document]));
    return exitCodes.ok;
  }
  const change = await client.calendars.put(document, { dryRun: options.dryRun });
  if (json) printJson(change);
  else {
    print(`${changed(change)}: ${counted(events, 'event')}, ${counted(document.dates?.length ?? 0, 'date')}`);
    if (options.dryRun === true) print('dry run: nothing was changed');
  }
  for (const warning of change.warnings) io.err(`warning: ${name}: ${warning}\n`);
  io.err(`events are expanded until ${new Date(range.to).toISOString().slice(0, 10)}\n`);
  return exitCodes.ok;
}

const changed = ({ calendar, outcome }: WireCalendarChange): string => `${outcome} ${calendar.name}`;

/** `X-WR-CALNAME`, or that of the file. */
function nameOf(text: string, file: string): string {
  const written = /^X-WR-CALNAME(?:;[^:\r\n]*)?:(.+)$/im.exec(text)?.[1]?.trim();
  const given = written ?? (file === '-' ? '' : basename(file, extname(file)));
  const name = given
    .replaceAll(/[^A-Za-z0-9_.-]+/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, 128);
  if (name !== '') return name.toLowerCase();
  throw new CarillonError('MISSING_FIELD', 'The calendar has no name.', {
    field: 'name',
    allowed: '--name NAME',
  });
}

interface StartOptions {
  readonly until: string;
  readonly reason: string;
  readonly label?: string[];
}

function addMaintenance(program: Command, shell: Shell): void {
  const maintenance = program
    .command('maintenance')
    .description('let nothing new start for a time; runs in progress continue');
  maintenance
    .command('start')
    .requiredOption('--until <time>', 'when it ends by itself, such as 2026-11-21T06:00+01:00 (required)')
    .requiredOption('--reason <text>', 'why (required)')
    .option('--label <k=v>', 'only jobs with this label; may be repeated', each)
    .description('begin a maintenance, or change the end of one')
    .action((options: StartOptions, command: Command) =>
      shell.run(command, (session) => startMaintenance(session, options)),
    );
  maintenance
    .command('end')
    .argument('[id]', 'of `carillon maintenance status` (default: the only one)')
    .description('end a maintenance: runs that wait for it start at once')
    .action((id: string | undefined, _, command: Command) =>
      shell.run(command, (session) => endMaintenance(session, id)),
    );
  maintenance
    .command('status')
    .description('list maintenance in progress')
    .action((_, command: Command) =>
      shell.run(command, async ({ client, json, io, print, printJson }) => {
        const modes = await client.calendars.maintenance();
        if (json) printJson(modes);
        else if (modes.length === 0) print('no maintenance');
        else
          print(
            table(
              ['ID', zoned('SINCE', io), zoned('UNTIL', io), 'BY', 'REASON'],
              modes.map(({ id, from, until, by, reason }) => [
                id,
                when(from, io),
                when(until, io),
                by,
                reason,
              ]),
              io,
            ),
          );
        return exitCodes.ok;
      }),
    );
}

async function startMaintenance(
  { client, json, io, print, printJson }: Session,
  { until, reason, label = [] }: StartOptions,
): Promise<ExitCode> {
  const at = instantIn(until, 'until', io);
  const labels = Object.fromEntries(label.map(pairIn));
  const mode = await client.calendars.beginMaintenance({ until: at, reason, labels });
  if (json) printJson(mode);
  else print(`${jobsOf(mode)} start no runs until ${when(mode.until, io)}`);
  return exitCodes.ok;
}

const jobsOf = ({ id }: WireMaintenance): string => (id === 'all' ? 'all jobs' : `jobs with ${id}`);

async function endMaintenance(
  { client, json, print, printJson }: Session,
  id: string | undefined,
): Promise<ExitCode> {
  const modes = id === undefined ? await client.calendars.maintenance() : [];
  const [only, ...others] = modes;
  if (id === undefined && (only === undefined || others.length > 0))
    throw new CarillonError(
      'MISSING_FIELD',
      only === undefined ? 'There is no maintenance.' : 'There are several: name one.',
      { field: 'id', allowed: modes.map((mode) => mode.id).join(', ') || nothing },
    );
  const mode = await client.calendars.endMaintenance(id ?? (only as WireMaintenance).id);
  if (json) printJson(mode);
  else print(`maintenance of ${jobsOf(mode)} has ended`);
  return exitCodes.ok;
}
