/**
 * Converts a crontab to jobs. Lines keep their meaning in cron: variables apply to the lines that follow, `%`
 * ends the command and starts its input, and times are in the zone of CRON_TZ, or else of the machine.
 * Whatever has no counterpart is reported with its line, not silently dropped.
 */

import { CarillonError, shortened } from '../errors.ts';
import { findProblems } from '../scheduler/job/check/check.ts';
import type { JobDefinition } from '../scheduler/job/definition.ts';
import { resolveSchedule } from '../scheduler/schedule/parse.ts';

export interface ImportedCrontab {
  /** Each with its line, such as `crontab:7`. */
  readonly jobs: readonly { readonly definition: JobDefinition; readonly source: string }[];
  /** Settings without a counterpart: `crontab:5: MAILTO …`. */
  readonly warnings: readonly string[];
  /** Lines that could not become jobs, and why: `crontab:9: @reboot …`. */
  readonly leftOut: readonly string[];
}

export interface CrontabOptions {
  readonly source: string;
  /** The sixth field is the user, as in /etc/crontab. Null: unknown; refused if it looks like a user. */
  readonly userColumn: boolean | null;
  /** The first field is seconds. */
  readonly seconds: boolean;
  /** Users of this machine, to recognise a system crontab. */
  readonly users: ReadonlySet<string>;
  /** Time zone of lines without CRON_TZ; cron uses the machine's. */
  readonly timezone: string;
  /** Epoch milliseconds, to detect schedules without a due time. */
  readonly nowMs: number;
}

const variable = /^\s*(?:([A-Za-z_]\w*)|'([A-Za-z_]\w*)'|"([A-Za-z_]\w*)")\s*=\s*(.*)$/;
/** Settings of cron itself, not environment variables for jobs. */
const cronsOwn = ['MAILTO', 'MAILFROM', 'CONTENT_TYPE', 'RANDOM_DELAY', 'START_HOURS_RANGE'];
/** Longer names are cut, and a number keeps them unique. */
const NAME_LENGTH = 60;

/** Settings that apply to the lines that follow. */
interface Surroundings {
  timezone: string;
  shell: string;
  env: Record<string, string>;
  comments: string[];
}

/** INVALID_FIELD if the lines look like a system crontab, or one with seconds, and no option says which. */
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
      if (unsupported !== '') warnings.push(`${source}: ${unsupported} has no counterpart and is ignored`);
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

/** A user that every machine has, or a word that can only be a field of cron, so not a command. */
const cronField = /^(?:\*(?:\/\d+)?|\d{1,2}(?:[-,/]\d{1,2})*|\?)$/;

function refuseOtherForm(line: string, source: string, { userColumn, seconds, users }: CrontabOptions): void {
  if (line.startsWith('#') || variable.test(line)) return;
  const [sixth = '', ...command] = (splitEntry(line, NO_USER)?.command ?? '').split(/\s+/);
  if (command.length === 0) return;
  if (!seconds && cronField.test(sixth)) {
    throw new CarillonError('INVALID_FIELD', `${source}: the command would start with ${sixth}.`, {
      field: 'seconds',
      value: line,
      source,
      allowed: '--seconds, if the first field is seconds; a line with five fields otherwise',
    });
  }
  if (userColumn !== null || !(sixth === 'root' || users.has(sixth))) return;
  throw new CarillonError(
    'INVALID_FIELD',
    `${source}: ${sixth} is a user, so this looks like a system crontab.`,
    {
      field: 'user-column',
      value: line,
      source,
      allowed: '--user-column, if the sixth field is a user; --no-user-column, if it is a command',
    },
  );
}

/** Cron ends the command at a `%`, even in quotes, which is rarely intended. */
function warningsOf(line: string): string[] {
  let quote = '';
  for (const [token] of line.matchAll(/\\.|["'%]|[^\\"'%]+|\\$/gs)) {
    if (token === '%' && quote !== '')
      return [
        'cron ends the command at the % inside its quotes, and so does this job; write \\% for a ' +
          'literal percent sign',
      ];
    if (token === quote) quote = '';
    else if (quote === '' && (token === '"' || token === "'")) quote = token;
  }
  return [];
}

/** Matches `m h dom mon dow command`, the heading of most crontabs. */
const heading = /^m(?:in(?:ute)?s?)?\s+h(?:(?:ou)?rs?)?\s+(?:dom|d(?:ay)?)\b/i;

/** A comment directly above a job becomes its description, unless it is a heading or a commented-out job. */
function takeComment(around: Surroundings, line: string, options: CrontabOptions): void {
  const words = line.replace(/^#+\s*/, '');
  const isEntry = /^[-@*\d]/.test(words) && splitEntry(words, options) !== null;
  if (words === '' || heading.test(words) || isEntry) around.comments = [];
  else around.comments.push(words);
}

/**
 * Null if the line sets no variable; otherwise the name of a setting without a counterpart, or an empty
 * string.
 */
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

/** The job, or a message why there is none. */
function jobOn(
  line: string,
  around: Surroundings,
  { names, ...options }: CrontabOptions & { names: Set<string> },
): JobDefinition | string {
  // In cronie a leading - means "do not log this one".
  const entry = splitEntry(line.replace(/^-(?=[@*\d])/, ''), options);
  if (entry === null) return `not a valid crontab line: ${shortened(line)}`;
  const { when, user, command } = entry;
  if (when.toLowerCase() === '@reboot') {
    return '@reboot has no counterpart: a scheduler can restart without a boot of the machine';
  }
  const { timezone, shell, env, comments } = around;
  const schedule = { cron: when, ...(timezone === 'UTC' ? {} : { timezone }) };
  try {
    // Checked before a name is given, so that a skipped line takes no name.
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
    // Same as cron: every due time starts the command, and due times during downtime are lost.
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

/** The plain format of cron. */
const NO_USER = { userColumn: false, seconds: false } as const;

function splitEntry(
  line: string,
  { userColumn, seconds }: Pick<CrontabOptions, 'userColumn' | 'seconds'>,
): Entry | null {
  // `@every 5m`, of some cron variants, is two words.
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
 * An unescaped % ends the command; the rest is its standard input, where each further % is a new line. The
 * input belongs to the whole command line, so it is passed to a group: in `a | b`, `a` reads it.
 */
function withInput(entry: string): string {
  const parts = [''];
  for (const [token] of entry.matchAll(/\\.|%|[^\\%]+|\\$/g)) {
    if (token === '%') parts.push('');
    else parts.push(`${parts.pop()}${token === '\\%' ? '%' : token}`);
  }
  const [command = '', ...input] = parts;
  if (input.length === 0) return command;
  // The input ends with exactly one new line.
  if (input.length > 1 && input.at(-1) === '') input.pop();
  let mark = 'CARILLON_INPUT';
  while (input.includes(mark)) mark += '_';
  return `{ ${command.trim()}\n} <<'${mark}'\n${input.join('\n')}\n${mark}`;
}

const redirection = /(\d|&)?[<>]+(&\d|\s*[^\s;&|<>]*)/g;

/**
 * From the first program and its arguments, without redirections and a `cd` before it, and with a number if the name is
 * taken.
 */
function nameFor(command: string, taken: Set<string>): string {
  const parts = command
    .replaceAll(/["'$]/g, '')
    .replaceAll(redirection, ' ')
    .split(/[;&|]+/);
  const first = parts.find((part) => !/^\s*(cd\s.*)?$/.test(part)) ?? command;
  const words = first.trim().split(/\s+/);
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
