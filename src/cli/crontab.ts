/**
 * A crontab as jobs. Lines mean what cron means by them: variables hold from where they stand on, `%` ends
 * the command and begins its input, times are those of CRON_TZ, else of the machine. What has no counterpart
 * is told with its line, not dropped.
 */

import { CarillonError } from '../errors.ts';
import { findProblems } from '../scheduler/job/check/check.ts';
import type { JobDefinition } from '../scheduler/job/definition.ts';
import { resolveSchedule } from '../scheduler/schedule/parse.ts';

export interface ImportedCrontab {
  /** Each with its line: `crontab:7`. */
  readonly jobs: readonly { readonly definition: JobDefinition; readonly source: string }[];
  /** `crontab:5: MAILTO …`: settings that have no counterpart. */
  readonly warnings: readonly string[];
  /** `crontab:9: @reboot …`: lines that should have been jobs, and why they are none. */
  readonly leftOut: readonly string[];
}

export interface CrontabOptions {
  readonly source: string;
  /** The sixth field is the user to run as, as in /etc/crontab; null: not said, and refused where it looks so. */
  readonly userColumn: boolean | null;
  /** The first field is seconds. */
  readonly seconds: boolean;
  /** Users of this machine; with them a system crontab is recognised. */
  readonly users: ReadonlySet<string>;
  /** Where CRON_TZ does not say otherwise; cron takes the machine's. */
  readonly timezone: string;
  /** Epoch milliseconds; tells schedules that will never be due. */
  readonly nowMs: number;
}

const variable = /^\s*(?:([A-Za-z_]\w*)|'([A-Za-z_]\w*)'|"([A-Za-z_]\w*)")\s*=\s*(.*)$/;
/** About cron itself, not for jobs. */
const cronsOwn = ['MAILTO', 'MAILFROM', 'CONTENT_TYPE', 'RANDOM_DELAY', 'START_HOURS_RANGE'];
/** Longer names are cut; a number keeps them apart. */
const NAME_LENGTH = 60;

/** What holds for the lines that follow. */
interface Surroundings {
  timezone: string;
  shell: string;
  env: Record<string, string>;
  comments: string[];
}

/** INVALID_FIELD where the lines read like those of a system crontab, or of one with seconds, and nothing is said. */
export function importCrontab(text: string, options: CrontabOptions): ImportedCrontab {
  const jobs: { definition: JobDefinition; source: string }[] = [];
  const warnings: string[] = [];
  const leftOut: string[] = [];
  const names = new Set<string>();
  const around: Surroundings = { timezone: options.timezone, shell: '/bin/sh', env: {}, comments: [] };
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    const source = `${options.source}:${i + 1}`;
    refuseOtherForm(line, source, options);
    if (line === '' || line.startsWith('#')) {
      takeComment(around, line, options);
      continue;
    }
    const unsupported = takeVariable(around, line);
    if (unsupported !== null) {
      if (unsupported !== '') warnings.push(`${source}: ${unsupported} has no counterpart and is left out`);
    } else {
      const job = jobOn(line, around, { ...options, names });
      if (typeof job === 'string') leftOut.push(`${source}: ${job}`);
      else {
        jobs.push({ definition: job, source });
        warnings.push(...warningsOf(line).map((warning) => `${source}: ${warning}`));
      }
    }
    around.comments = [];
  }
  return { jobs, warnings, leftOut };
}

/** A user that every machine has, or a word that only a field of cron is: no command. */
const cronField = /^(?:\*(?:\/\d+)?|\d{1,2}(?:[-,/]\d{1,2})*|\?)$/;

function refuseOtherForm(line: string, source: string, { userColumn, seconds, users }: CrontabOptions): void {
  if (line.startsWith('#') || variable.test(line)) return;
  const [sixth = '', ...command] = (splitEntry(line, NO_USER)?.command ?? '').split(/\s+/);
  if (command.length === 0) return;
  if (!seconds && cronField.test(sixth)) {
    throw new CarillonError('INVALID_FIELD', `${source}: the command would begin with ${sixth}.`, {
      field: 'seconds',
      value: line,
      source,
      allowed: '--seconds, if the first field is seconds; a line with five fields otherwise',
    });
  }
  if (userColumn !== null || !(sixth === 'root' || users.has(sixth))) return;
  throw new CarillonError(
    'INVALID_FIELD',
    `${source}: ${sixth} is a user, so this reads like a system crontab.`,
    {
      field: 'user-column',
      value: line,
      source,
      allowed: '--user-column, if the sixth field is a user; --no-user-column, if it is a command',
    },
  );
}

/** Cron ends the command at a `%`, in quotes too, which is seldom what was meant there. */
function warningsOf(line: string): string[] {
  let quote = '';
  for (const [token] of line.matchAll(/\\.|["'%]|[^\\"'%]+|\\$/gs)) {
    if (token === '%' && quote !== '')
      return [
        'cron ends the command at the % inside its quotes, and so does the job; write \\% for the character',
      ];
    if (token === quote) quote = '';
    else if (quote === '' && (token === '"' || token === "'")) quote = token;
  }
  return [];
}

/** `m h dom mon dow command`, as above the lines of most crontabs. */
const heading = /^m(?:in(?:ute)?s?)?\s+h(?:(?:ou)?rs?)?\s+(?:dom|d(?:ay)?)\b/i;

/** Lines of comment right above a job describe it; a heading, or a job that was commented out, describes nothing. */
function takeComment(around: Surroundings, line: string, options: CrontabOptions): void {
  const words = line.replace(/^#+\s*/, '');
  const isEntry = /^[-@*\d]/.test(words) && splitEntry(words, options) !== null;
  if (words === '' || heading.test(words) || isEntry) around.comments = [];
  else around.comments.push(words);
}

/** Null when the line sets no variable; otherwise the name of one that has no counterpart, or nothing. */
function takeVariable(around: Surroundings, line: string): string | null {
  const match = variable.exec(line);
  if (match === null) return null;
  const name = match[1] ?? match[2] ?? match[3] ?? '';
  const value = (match[4] ?? '').trim().replace(/^(['"])(.*)\1$/, '$2');
  if (cronsOwn.includes(name)) return name;
  if (name === 'CRON_TZ') around.timezone = value;
  else if (name === 'SHELL') around.shell = value;
  else around.env = { ...around.env, [name]: value };
  return '';
}

/** The job, or in words why there is none. */
function jobOn(
  line: string,
  around: Surroundings,
  { names, ...options }: CrontabOptions & { names: Set<string> },
): JobDefinition | string {
  // cronie's mark for "do not log this one".
  const entry = splitEntry(line.replace(/^-(?=[@*\d])/, ''), options);
  if (entry === null) return `not a line that cron knows: ${line}`;
  const { when, user, command } = entry;
  if (when.toLowerCase() === '@reboot') {
    return '@reboot has no counterpart: a scheduler that restarts is not a machine that boots';
  }
  const { timezone, shell, env, comments } = around;
  const schedule = { cron: when, ...(timezone === 'UTC' ? {} : { timezone }) };
  try {
    // Whatever the name, so that a line that is left out takes none.
    resolveSchedule(schedule, { hashSeed: command, now: options.nowMs });
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    return error.message;
  }
  const run =
    shell === '/bin/sh' ? { command: withInput(command) } : { argv: [shell, '-c', withInput(command)] };
  const job = {
    ...(comments.length > 0 && { description: comments.join(' ') }),
    schedule,
    run: {
      ...run,
      ...(Object.keys(env).length > 0 && { env }),
      // Cron starts jobs in HOME.
      ...(env.HOME && { workdir: env.HOME }),
      ...(user !== undefined && { user }),
    },
    // As cron does: every instant starts the command, and what was slept through is gone.
    policy: { overlap: 'allow', catchUp: 'none' },
  } as const;
  const [problem] = findProblems({ name: 'cron', ...job }, '');
  return problem === undefined ? { name: nameFor(command, names), ...job } : problem.message;
}

interface Entry {
  readonly when: string;
  readonly user?: string;
  readonly command: string;
}

/** What cron itself takes. */
const NO_USER = { userColumn: false, seconds: false } as const;

function splitEntry(
  line: string,
  { userColumn, seconds }: Pick<CrontabOptions, 'userColumn' | 'seconds'>,
): Entry | null {
  // `@every 5m`, of some runners, is two words.
  const fields = /^@every\s/i.test(line) ? 2 : line.startsWith('@') ? 1 : seconds ? 6 : 5;
  const pattern = new RegExp(
    `^((?:\\S+\\s+){${fields - 1}}\\S+)\\s+${userColumn ? '(\\S+)\\s+' : '()'}(.+)$`,
  );
  const match = pattern.exec(line);
  if (match === null) return null;
  const [, when = '', user, command = ''] = match;
  return { when: when.replaceAll(/\s+/g, ' '), command, ...(user ? { user } : {}) };
}

/**
 * An unescaped % ends the command; what follows is its standard input, each further % a new line. The input
 * is for the whole command line, so it is handed to a group: `a | b` reads it in `a`.
 */
function withInput(entry: string): string {
  const parts = [''];
  for (const [token] of entry.matchAll(/\\.|%|[^\\%]+|\\$/g)) {
    if (token === '%') parts.push('');
    else parts.push(`${parts.pop()}${token === '\\%' ? '%' : token}`);
  }
  const [command = '', ...input] = parts;
  if (input.length === 0) return command;
  // The input ends with one new line, whether it was written or not.
  if (input.length > 1 && input.at(-1) === '') input.pop();
  let mark = 'CARILLON_INPUT';
  while (input.includes(mark)) mark += '_';
  return `{ ${command.trim()}\n} <<'${mark}'\n${input.join('\n')}\n${mark}`;
}

/** From the program and what follows it; a number where that was taken. */
function nameFor(command: string, taken: Set<string>): string {
  const words = command.replaceAll(/["'$]/g, '').split(/[\s;&|<>]+/);
  const program = (words[0] ?? '').split('/').at(-1);
  const base =
    [program, ...words.slice(1, 3)]
      .join('-')
      .toLowerCase()
      .replaceAll(/[^a-z0-9_.]+/g, '-')
      .replaceAll(/^[-.]+|[-.]+$/g, '')
      .slice(0, NAME_LENGTH) || 'cron';
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
  taken.add(name);
  return name;
}
