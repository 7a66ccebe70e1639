/**
 * A crontab as jobs. Lines mean what cron means by them: variables hold from where they stand on, `%` ends
 * the command and begins its input, CRON_TZ is the time zone. What has no counterpart is told, not dropped.
 */

import type { JobDefinition } from '../scheduler/definition.ts';

export interface ImportedCrontab {
  readonly jobs: readonly JobDefinition[];
  /** `crontab:7: @reboot …`: what could not be taken over, and why. */
  readonly warnings: readonly string[];
}

export interface CrontabOptions {
  readonly source: string;
  /** The sixth field is the user to run as, as in /etc/crontab. */
  readonly userColumn: boolean;
}

const variable = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
/** Set the scheduler up, not the job's environment. */
const cronsOwn = new Set([
  'SHELL',
  'MAILTO',
  'MAILFROM',
  'CRON_TZ',
  'TZ',
  'RANDOM_DELAY',
  'START_HOURS_RANGE',
]);
/** Longer names are cut; a number keeps them apart. */
const NAME_LENGTH = 60;

export function importCrontab(text: string, { source, userColumn }: CrontabOptions): ImportedCrontab {
  const jobs: JobDefinition[] = [];
  const warnings: string[] = [];
  const names = new Set<string>();
  const env: Record<string, string> = {};
  let timezone: string | null = null;
  let comment: string | null = null;
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    const place = `${source}:${i + 1}`;
    if (line === '' || line.startsWith('#')) {
      comment = line.replace(/^#+\s*/, '') || null;
      continue;
    }
    const set = /^[@*\d]/.test(line) ? null : variable.exec(raw);
    const name = set?.[1] ?? '';
    const unquoted = (set?.[2] ?? '').trim().replace(/^(['"])(.*)\1$/, '$2');
    const entry = name === '' ? splitEntry(line, userColumn) : null;
    if (name === 'CRON_TZ' || name === 'TZ') timezone = unquoted;
    else if (cronsOwn.has(name)) warnings.push(`${place}: ${name} has no counterpart and is left out`);
    else if (name !== '') env[name] = unquoted;
    else if (entry === null) warnings.push(`${place}: not a line that cron knows: ${line}`);
    else if (entry.when.toLowerCase() === '@reboot') {
      warnings.push(
        `${place}: @reboot has no counterpart: a scheduler that restarts is not a machine that boots`,
      );
    } else jobs.push(jobOf(entry, { name: nameFor(entry.command, names), comment, timezone, env }));
    comment = null;
  }
  return { jobs, warnings };
}

interface Entry {
  readonly when: string;
  readonly user?: string;
  readonly command: string;
}

interface Surroundings {
  readonly name: string;
  readonly comment: string | null;
  readonly timezone: string | null;
  readonly env: Readonly<Record<string, string>>;
}

function jobOf(
  { when, user, command }: Entry,
  { name, comment, timezone, env }: Surroundings,
): JobDefinition {
  return {
    name,
    ...(comment === null ? {} : { description: comment }),
    schedule: { cron: when, ...(timezone === null ? {} : { timezone }) },
    run: {
      command: withInput(command),
      ...(Object.keys(env).length === 0 ? {} : { env: { ...env } }),
      ...(user === undefined ? {} : { user }),
    },
    // As cron does: every instant starts the command, and what was slept through is gone.
    policy: { overlap: 'allow', catchUp: 'none' },
  };
}

function splitEntry(line: string, userColumn: boolean): Entry | null {
  const fields = line.startsWith('@') ? 1 : 5;
  const pattern = new RegExp(
    `^((?:\\S+\\s+){${fields - 1}}\\S+)\\s+${userColumn ? '(\\S+)\\s+' : '()'}(.+)$`,
  );
  const match = pattern.exec(line);
  if (match === null) return null;
  const [, when = '', user, command = ''] = match;
  return { when: when.replaceAll(/\s+/g, ' '), command, ...(user ? { user } : {}) };
}

/** An unescaped % ends the command; what follows is its standard input, each further % a new line. */
function withInput(command: string): string {
  const [line = '', ...input] = command.split(/(?<!\\)%/).map((part) => part.replaceAll('\\%', '%'));
  if (input.length === 0) return line;
  return `${line} <<'CARILLON_INPUT'\n${input.join('\n')}\nCARILLON_INPUT`;
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
