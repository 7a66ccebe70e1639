/**
 * Everything that reads what strangers write. Each target is given arbitrary input and either answers or throws a
 * `CarillonError`; what it accepts must then be of use: it can be stored, launched, shown and read back.
 */

import fc from 'fast-check';
import { jobToWire } from '../../src/api/wire/to-wire.ts';
import { importCrontab } from '../../src/cli/crontab.ts';
import { CarillonError } from '../../src/errors.ts';
import { formatJobFile, parseJobFile } from '../../src/job-file/read.ts';
import { crossFilled, printJob } from '../../src/scheduler/chronos/job.ts';
import { toChronos, toDefinition } from '../../src/scheduler/chronos/mapping.ts';
import { readChronosJob } from '../../src/scheduler/chronos/read.ts';
import { readTaskId } from '../../src/scheduler/chronos/task.ts';
import { chronosWarnings } from '../../src/scheduler/chronos/warnings.ts';
import { checkCommand, decide } from '../../src/scheduler/decide.ts';
import { findProblems } from '../../src/scheduler/job/check/check.ts';
import { publishedPort } from '../../src/scheduler/job/container-spec.ts';
import { memoryBytes } from '../../src/scheduler/job/size.ts';
import type { Settings } from '../../src/scheduler/model/model.ts';
import { HeldBack } from '../../src/scheduler/read/held-back.ts';
import { readerOf } from '../../src/scheduler/read/job-reader.ts';
import { jobView } from '../../src/scheduler/read/view.ts';
import { describeSchedule, formatSchedule } from '../../src/scheduler/schedule/format.ts';
import { parseDateTime, parseRepeat } from '../../src/scheduler/schedule/iso.ts';
import type { ScheduleInput } from '../../src/scheduler/schedule/model.ts';
import { nextInstant } from '../../src/scheduler/schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../../src/scheduler/schedule/parse.ts';
import { durationMs } from '../../src/scheduler/schedule/period.ts';
import { resolveZoneName } from '../../src/scheduler/schedule/zone-name.ts';
import { State } from '../../src/scheduler/state/state.ts';
import { abilities } from '../support/engines.ts';
import { chronosJobs, definitions } from './good.ts';
import { anyJson, broken, hostileText, textOf } from './inputs.ts';
import { requests, send } from './requests.ts';

export interface Target<T = never> {
  readonly input: fc.Arbitrary<T>;
  /** Throws where the input did harm. */
  readonly hold: (input: T) => void | Promise<void>;
}

const target = <T>(input: fc.Arbitrary<T>, hold: (input: T) => void | Promise<void>): Target =>
  ({ input, hold }) as unknown as Target;

const now = Date.parse('2026-11-21T00:00:00Z');
const settings: Settings = {
  engines: {
    process: { concurrency: 2, abilities: abilities.process, tombstoneMs: 1_000 },
    docker: { concurrency: null, abilities: abilities.docker, tombstoneMs: 1_000 },
    swarm: { concurrency: null, abilities: abilities.swarm, tombstoneMs: 1_000 },
  },
  pools: { etl: 1 },
};

/** What `act` returns, or null where it refused in the words of the catalogue. */
function unlessRefused<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    // Refusals go over the wire.
    JSON.stringify([error.message, error.details]);
    return null;
  }
}

/** Puts, runs and shows a definition on a state of its own. */
function live(definition: unknown): void {
  const problems = findProblems(definition, 'body');
  const state = new State(settings, 'fuzz');
  state.ready();
  const submit = (command: Parameters<typeof checkCommand>[2]) =>
    unlessRefused(() => checkCommand(state, now, command))?.();
  const by = 'fuzz';
  const put = submit({ kind: 'put-job', definition, mode: 'create', by, source: 'body' });
  if (put === undefined) return;
  if (problems.length > 0) throw new Error(`accepted with ${problems[0]?.message}`);
  const [name] = state.jobs.keys();
  if (name === undefined) throw new Error('accepted, and not there');
  submit({ kind: 'trigger', name, triggerId: 'fuzz', params: {}, by });
  for (let at = now; at <= now + 3_600_000; at += 600_000) decide(state, { kind: 'tick', now: at });
  const view = jobView(state, state.entry(name));
  JSON.stringify([
    jobToWire(view, new HeldBack(readerOf(state))),
    printJob(crossFilled(toChronos(view)), 2),
    put.decision,
  ]);
  const [written] = parseJobFile(formatJobFile([view.job.definition]), 'written');
  submit({ kind: 'put-job', definition: written?.definition, mode: 'replace', by, source: 'written' });
}

function schedule(input: ScheduleInput): void {
  const resolved = unlessRefused(() => resolveSchedule(input, { hashSeed: 'a', now }));
  if (resolved === null) return;
  const compiled = compileSchedule(resolved.resolved);
  describeSchedule(compiled);
  compileSchedule(resolveSchedule(formatSchedule(compiled), { hashSeed: 'a', now }).resolved);
  let at: number | null = now;
  for (let i = 0; i < 3 && at !== null; i++) {
    const next: number | null = nextInstant(compiled, at);
    if (next !== null && !(next > at)) throw new Error(`${next} is not after ${at}`);
    at = next;
  }
}

const cronWords = [
  ' ',
  ' ',
  ' ',
  '*',
  '/',
  '-',
  ',',
  'L',
  'W',
  '#',
  'H',
  '?',
  'mon',
  'JAN',
  '@daily',
  '@every 5s',
  '(',
  ')',
  '5',
  '0',
  '59',
  '7',
];
const isoWords = [
  'R',
  'R5',
  '/',
  '/',
  'P',
  'T',
  'PT5S',
  'PT24H',
  '1',
  'Y',
  'M',
  'D',
  'W',
  'H',
  'S',
  '.',
  ',',
  '-',
  ':',
  '+',
  'Z',
  '2026-01-01',
  '2026-W01-1',
  'T00:00:00Z',
  '+02:00',
  '9999',
  '0000',
];
const zones = ['UTC', 'Europe/', 'Berlin', 'America/', '+', '-', '02:00', 'GMT', 'EST', 'Etc/', '/', 'LMT'];
const yamlWords = [
  ' ',
  ' ',
  '\n',
  '\n',
  '\n  ',
  '- ',
  ': ',
  ':',
  '?',
  '[',
  ']',
  '{',
  '}',
  ',',
  '"',
  "'",
  '|',
  '>',
  '&a',
  '*a',
  '<<: ',
  '!!str',
  '!x',
  '---\n',
  '...\n',
  '#',
  '%YAML 1.2\n',
  'name',
  'jobs',
  'run',
  'a',
  '\\',
  '\t',
  '@',
  '`',
];
const jsonWords = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '"name"',
  '"jobs"',
  '"a"',
  '"',
  '\\',
  '\\u12',
  'true',
  'null',
  '-',
  '1',
  'e5',
  '.',
  ' ',
  '\n',
];
const crontabWords = [
  '* ',
  '*/5 ',
  '0 ',
  '1-5 ',
  '@daily ',
  '@reboot ',
  'root ',
  'echo hi',
  '\n',
  '\n',
  '%',
  '\\%',
  '\\',
  '#',
  '"',
  "'",
  '=',
  'CRON_TZ=',
  'MAILTO=',
  'SHELL=',
  'HOME=',
  'A=',
  'Europe/Berlin',
  '\t',
  '-',
];

export const targets: Readonly<Record<string, Target>> = {
  definition: target(fc.oneof(broken(definitions), anyJson), live),
  'chronos job': target(
    fc.tuple(fc.oneof(broken(chronosJobs), anyJson), fc.constantFrom<2 | 3>(2, 3)),
    ([body, generation]) => {
      const sent = unlessRefused(() => readChronosJob(body));
      if (sent === null) return;
      const definition = unlessRefused(() =>
        toDefinition(sent, { generation, now, before: null, unmapped: [] }),
      );
      chronosWarnings(sent.job, []);
      if (definition !== null) live(definition);
    },
  ),
  'chronos part': target(broken(chronosJobs), (chronos) =>
    live({ name: 'a', run: { command: 'true' }, chronos: chronos as object }),
  ),
  'chronos task': target(textOf(['ct', ':', '0', '5', 'a', '-', '.', 'e9']), (id) => void readTaskId(id)),
  cron: target(fc.tuple(textOf(cronWords), textOf(zones, 3)), ([cron, timezone]) => {
    schedule({ cron });
    schedule({ cron, timezone });
  }),
  iso: target(fc.tuple(textOf(isoWords, 12), textOf(zones, 3)), ([text, timezone]) => {
    schedule({ every: text });
    schedule({ every: text, timezone });
    schedule({ at: text, timezone });
    unlessRefused(() => parseDateTime(text, 'at'));
    unlessRefused(() => parseRepeat(text, 'every'));
    unlessRefused(() => durationMs(text, 'timeout'));
  }),
  'small texts': target(
    textOf(['1', '5', 'MiB', 'GB', '.', ':', '/udp', '[', ']', '127.0.0.1', '80', '-', 'Europe/Berlin']),
    (text) => {
      unlessRefused(() => memoryBytes(text, 'memory'));
      unlessRefused(() => publishedPort(text, 'port'));
      unlessRefused(() => resolveZoneName(text, 'timezone'));
    },
  ),
  crontab: target(
    fc.tuple(textOf(crontabWords, 40), fc.option(fc.boolean()), fc.boolean()),
    ([text, userColumn, seconds]) => {
      const options = {
        source: 'crontab',
        userColumn,
        seconds,
        users: new Set(['root']),
        timezone: 'UTC',
        nowMs: now,
      };
      const read = unlessRefused(() => importCrontab(text, options));
      for (const { definition } of read?.jobs ?? []) live(definition);
    },
  ),
  yaml: target(fc.oneof(textOf(yamlWords, 60), fc.oneof(broken(definitions), anyJson).map(yamlOf)), readFile),
  json: target(
    fc.oneof(
      textOf(jsonWords, 40),
      anyJson.map((value) => JSON.stringify(value)),
    ),
    readFile,
  ),
  text: target(hostileText, readFile),
  request: target(requests, send),
};

/** As a file of YAML has it; what cannot be written is left to others. */
function yamlOf(value: unknown): string {
  return formatJobFile([value]);
}

function readFile(text: string): void {
  const jobs = unlessRefused(() => parseJobFile(text, 'jobs.yaml'));
  for (const { definition, source } of jobs ?? []) {
    if (!/^jobs\.yaml:\d+$/.test(source)) throw new Error(`no place: ${source}`);
    findProblems(definition, source);
  }
}
