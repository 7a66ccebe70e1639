/** Checks which fields of a schedule stand together. What they say is checked when it is resolved. */

import type { JobDefinition } from '../definition.ts';
import { MAX_JITTER_MS } from '../jitter.ts';
import { checkDuration } from '../reminders.ts';
import { type Findings, shorten } from '../schema/explain.ts';

type ScheduleDefinition = NonNullable<JobDefinition['schedule']>;
type Member = NonNullable<ScheduleDefinition['any']>[number];

const kinds = ['cron', 'every', 'at', 'any', 'after'] as const;
const memberKinds = ['cron', 'every', 'at'] as const;
export const timedKinds = [...memberKinds, 'any'] as const;
const ofJob: Place = { path: 'schedule', kinds, hint: ' Leave schedule out for a manual job.' };

/** Fields that stand beside some of the kinds only. */
const beside: Readonly<Record<string, readonly (typeof kinds)[number][]>> = {
  timezone: ['cron', 'every', 'at'],
  dst: ['cron'],
  start: ['cron', 'every'],
  end: ['cron', 'every'],
  jitter: ['cron', 'every', 'at', 'any'],
  calendar: ['cron', 'every', 'at', 'any'],
};

/** `place`: where the schedule stands, and which kinds it has there. */
export function checkKinds(schedule: ScheduleDefinition, findings: Findings, place: Place = ofJob): void {
  checkFields(schedule, place, findings);
  checkJitter(schedule, findings);
  if (schedule.calendar !== undefined) checkCalendar(schedule.calendar, findings);
  schedule.any?.forEach((member, index) => {
    checkFields(member, { path: `schedule.any[${index}]`, kinds: memberKinds, hint: '' }, findings);
  });
}

function checkJitter({ jitter }: ScheduleDefinition, findings: Findings): void {
  const lengthMs = checkDuration(jitter, 'schedule.jitter', 1, findings);
  if (lengthMs === null || lengthMs <= MAX_JITTER_MS) return;
  findings.add('INVALID_FIELD', `schedule.jitter is ${jitter}. Allowed: at most P1D.`, {
    field: 'schedule.jitter',
    value: jitter,
    allowed: 'at most P1D',
  });
}

function checkCalendar(
  { except, only }: NonNullable<ScheduleDefinition['calendar']>,
  findings: Findings,
): void {
  if ((except === undefined) !== (only === undefined)) return;
  const has = except === undefined ? 'neither except nor only' : 'both except and only';
  findings.add('INVALID_FIELD', `schedule.calendar has ${has}. Allowed: exactly one of them.`, {
    field: 'schedule.calendar',
    value: shorten(except ?? null),
    allowed: 'exactly one of except, only',
  });
}

interface Place {
  readonly path: string;
  readonly kinds: readonly (typeof kinds)[number][];
  readonly hint: string;
}

function checkFields(
  schedule: ScheduleDefinition | Member,
  { path, kinds, hint }: Place,
  findings: Findings,
): void {
  const written: Readonly<Record<string, unknown>> = schedule;
  const given = kinds.filter((kind) => written[kind] !== undefined);
  const [kind, other] = given;
  if (kind === undefined) {
    findings.add('MISSING_FIELD', `${path} has none of ${kinds.join(', ')}.${hint}`, {
      field: path,
      allowed: kinds,
    });
  } else if (other !== undefined) {
    findings.add('INVALID_FIELD', `${path} has ${given.join(' and ')}. Allowed: exactly one of them.`, {
      field: `${path}.${other}`,
      value: shorten(written[other]),
      allowed: `exactly one of ${kinds.join(', ')}`,
    });
  } else checkBeside(written, kind, path, findings);
}

function checkBeside(
  written: Readonly<Record<string, unknown>>,
  kind: (typeof kinds)[number],
  path: string,
  findings: Findings,
): void {
  for (const [field, with_] of Object.entries(beside)) {
    if (written[field] === undefined || with_.includes(kind)) continue;
    findings.add('INVALID_FIELD', reasonOf(field, kind, path), {
      field: `${path}.${field}`,
      value: shorten(written[field]),
      allowed:
        kind === 'any' ? 'in the members of any' : `with ${with_.join(', ').replace(/, (\w+)$/, ' or $1')}`,
    });
  }
}

function reasonOf(field: string, kind: string, path: string): string {
  if (kind === 'after') return `${path}.${field} has no effect on a job that runs after its parents.`;
  if (kind === 'any') return `${path}.${field} stands in each member of any that it applies to.`;
  if (field === 'dst') return `${path}.dst applies to cron only.`;
  return `${path}.${field} has no effect with ${kind}, which has one due time.`;
}
