/**
 * A run that ended as spans in the JSON form of OTLP: one of the run, in a trace of its own, and a child of it for each
 * attempt. Names of attributes are those of OpenTelemetry's conventions where they have one.
 */

import type { Attempt, Run } from '../scheduler/model/model.ts';
import { type Reason, textOf } from '../scheduler/model/reason.ts';
import { readyAt } from '../scheduler/model/run-state.ts';
import { attemptSpan, runSpan, type SpanIds, spanIn } from '../scheduler/model/trace.ts';

/** Texts of jobs, users and engines may be longer; collectors cut or refuse what is too large. */
const MAX_TEXT = 1_024;
/** A child may have thousands of parents. */
const MAX_LINKS = 128;
/** The newest ones. */
const MAX_ATTEMPTS = 64;

/** W3C: recorded. */
const SAMPLED = 1;
const INTERNAL = 1;
const ERROR = 2;

type Value = string | number | boolean | null | undefined;

export interface Attribute {
  readonly key: string;
  readonly value: object;
}

export interface Span extends SpanIds {
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly flags: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly droppedLinksCount?: number;
  readonly status: { readonly code?: number; readonly message?: string };
}

export interface SpanEvent {
  readonly name: string;
  readonly timeUnixNano: string;
}

export interface SpanLink extends SpanIds {
  readonly flags: number;
  readonly attributes: readonly Attribute[];
}

/** Number of spans of the run. */
export const spanCount = ({ attempts }: Run): number => 1 + Math.min(attempts.length, MAX_ATTEMPTS);

/** The run's own comes first. */
export function spansOf(installation: string, run: Run): Span[] {
  const own = runSpan(installation, run.id);
  const attempts = run.attempts.slice(-MAX_ATTEMPTS);
  return [
    { ...own, ...ofRun(installation, run) },
    ...attempts.map((attempt) => ({
      ...attemptSpan(installation, run.id, attempt.launchName),
      parentSpanId: own.spanId,
      ...ofAttempt(run, attempt),
    })),
  ];
}

type WithoutIds = Omit<Span, 'traceId' | 'spanId' | 'parentSpanId'>;

function ofRun(installation: string, run: Run): WithoutIds {
  const { job, id, due, state, trigger, lineage, revision, attempts, reason, createdAt, kill } = run;
  const startedAt = attempts.find((attempt) => attempt.startedAt !== null)?.startedAt ?? null;
  const isBad = isError(run);
  return {
    name: shown(job),
    ...{ kind: INTERNAL, flags: SAMPLED },
    ...between(beginOf(run), run.endedAt),
    attributes: attributesOf({
      'carillon.job': job,
      'carillon.run': id,
      'carillon.due': new Date(due).toISOString(),
      'carillon.state': state,
      'carillon.trigger': trigger.kind,
      'carillon.lineage': lineage,
      'carillon.revision': revision,
      'carillon.attempts': attempts.length,
      'carillon.catches_up': run.catchesUp === 0 ? null : run.catchesUp,
      'carillon.reason': textOrNull(reason),
      'error.type': isBad ? state : null,
    }),
    events: [
      ...eventAt('decided', createdAt),
      ...eventAt('started', startedAt),
      ...eventAt('kill requested', kill?.at ?? null),
    ],
    ...linksOf(installation, run),
    status: statusOf(isBad, reason),
  };
}

function ofAttempt(run: Run, attempt: Attempt): WithoutIds {
  const { number, engine, host, launchName, createdAt, startedAt, endedAt, exitCode, usage } = attempt;
  const isLast = attempt === run.attempts.at(-1);
  // The run may end before an engine reports anything of the attempt.
  const reason = endedAt === null ? run.reason : attempt.reason;
  const isBad = isLast && run.state === 'killed' ? false : reason !== null;
  return {
    name: `${shown(run.job)} attempt`,
    ...{ kind: INTERNAL, flags: SAMPLED },
    ...between(createdAt, endedAt ?? run.endedAt),
    attributes: attributesOf({
      'carillon.job': run.job,
      'carillon.run': run.id,
      'carillon.attempt': number,
      'carillon.engine': engine,
      'carillon.host': host,
      'carillon.launch': launchName,
      'carillon.image': attempt.image,
      'carillon.cpu_ms': usage?.cpuMs,
      'carillon.peak_bytes': usage?.peakBytes,
      'carillon.reason': textOrNull(reason),
      'process.exit.code': exitCode,
      'error.type': isBad && reason !== null ? reason.code : null,
    }),
    events: eventAt('started', startedAt),
    links: [],
    status: statusOf(isBad, reason),
  };
}

const isError = ({ state }: Run): boolean =>
  state === 'failed' || state === 'timed-out' || state === 'lost' || state === 'missed';

/** From when the run could start. One that catches up begins when that was decided, and not long before. */
function beginOf(run: Run): number {
  const { trigger, createdAt, attempts } = run;
  const catchesUp = trigger.kind === 'schedule' && trigger.catchUp === true;
  const ready = catchesUp ? createdAt : readyAt(run);
  return Math.min(ready, attempts[0]?.createdAt ?? ready);
}

/** Clocks may be set back: no span ends before it begins. */
function between(from: number, to: number | null) {
  return { startTimeUnixNano: nanos(from), endTimeUnixNano: nanos(Math.max(from, to ?? from)) };
}

const nanos = (ms: number): string => `${Math.round(ms)}000000`;

const eventAt = (name: string, at: number | null): SpanEvent[] =>
  at === null ? [] : [{ name, timeUnixNano: nanos(at) }];

/** Spans of the runs that led to this one, and what a user gave as `TRACEPARENT`. */
function linksOf(installation: string, { trigger, params }: Run): Pick<Span, 'links' | 'droppedLinksCount'> {
  const given = spanIn(params.TRACEPARENT ?? '');
  const parents = trigger.kind === 'parents' ? trigger.runs : [];
  const all = [
    ...(given === null ? [] : [linkTo(given, { 'carillon.link': 'caller' })]),
    ...(trigger.kind === 'rerun'
      ? [linkTo(runSpan(installation, trigger.of), named('rerun-of', trigger.of))]
      : []),
    ...parents.slice(0, MAX_LINKS).map((run) => linkTo(runSpan(installation, run), named('parent', run))),
  ];
  const dropped = Math.max(0, parents.length - MAX_LINKS);
  return { links: all, ...(dropped > 0 && { droppedLinksCount: dropped }) };
}

const named = (link: string, run: string) => ({ 'carillon.link': link, 'carillon.run': run });

const linkTo = (span: SpanIds, attributes: Record<string, string>): SpanLink => ({
  ...span,
  flags: SAMPLED,
  attributes: attributesOf(attributes),
});

/** What went well is left unset, as the conventions ask for. */
function statusOf(isBad: boolean, reason: Reason | null): Span['status'] {
  if (!isBad) return {};
  const message = textOrNull(reason);
  return { code: ERROR, ...(message !== null && { message: shown(message) }) };
}

const textOrNull = (reason: Reason | null): string | null => (reason === null ? null : textOf(reason));

/** Values that are absent are left out. */
export function attributesOf(values: Readonly<Record<string, Value>>): Attribute[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === null || value === undefined ? [] : [{ key, value: typed(value) }],
  );
}

function typed(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: shown(value) };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** A cut leaves no half of a character. */
function shown(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const isHalf = /[\ud800-\udbff]/.test(text.charAt(MAX_TEXT - 1));
  return `${text.slice(0, isHalf ? MAX_TEXT - 1 : MAX_TEXT)}…`;
}
