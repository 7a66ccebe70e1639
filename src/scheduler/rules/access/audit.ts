/**
 * Lines of the audit. A line is written in the decision that it tells of, in the same atomic group as the change: one
 * cannot be durable without the other. What has no effect has no line.
 */

import type { CarillonError } from '../../../errors.ts';
import type { Asker } from '../../access/principal.ts';
import type { Command, NotedLine } from '../../command.ts';
import { shownInMessage } from '../../job/masked.ts';
import { type AuditLine, auditId } from '../../model/token.ts';
import type { Draft } from '../../state/decision.ts';
import type { State } from '../../state/state.ts';
import type { Request, Turn } from '../../state/turn.ts';

/** Characters of one line's before and after as JSON, together. */
const MAX_VALUES = 1_500;
const MAX_TEXT = 200;
/** Refusals of one principal in a minute that have a line: nobody can push out the lines of others. */
const MAX_REFUSED = 20;
const MINUTE_MS = 60_000;
const MAX_REFUSERS = 10_000;

type Values = Readonly<Record<string, unknown>>;

/** What a command did to one thing. */
export interface Noted {
  readonly on: string | null;
  readonly before?: Values;
  readonly after?: Values;
}

/** Who asks for a command. Null: reports are not in the audit, because jobs make them at each run. */
export function requestOf(command: Command, asker: Asker | undefined): Request | null {
  const { kind: action, by } = command;
  if (action === 'report') return null;
  return asker === undefined
    ? { action, by: { kind: 'system', name: by }, from: null, via: null }
    : { action, ...whoOf(asker) };
}

const whoOf = ({ principal: { kind, name }, from, via }: Asker): Omit<Request, 'action'> => ({
  by: { kind, name },
  from,
  via,
});

/** Writes the line of what the command of this turn has done. */
export function noted({ state, draft, request }: Turn, { on, before, after }: Noted): void {
  if (request === null) return;
  const { values, rest } = bounded(before ?? null, after ?? null);
  write(state, draft, {
    at: draft.now,
    ...request,
    on,
    outcome: 'done',
    code: null,
    reason: rest,
    ...values,
  });
}

/** Writes the line of something that happened outside of the core. */
export function noteLine({ state, draft }: Pick<Turn, 'state' | 'draft'>, line: NotedLine): void {
  const { values, rest } = bounded(line.before, line.after);
  write(state, draft, { ...line, ...values, reason: line.reason ?? rest });
}

/** A command was refused. False: there were so many of this principal that it has no line. */
export function noteRefusal(
  { state, draft }: Pick<Turn, 'state' | 'draft'>,
  asker: Asker,
  refused: { readonly action: string; readonly on: string | null; readonly error: Refusal },
): boolean {
  const left = leftOf(state, `${asker.principal.kind}/${asker.principal.id}`, draft.now);
  if (left < 0) return false;
  const { code, message } = refused.error;
  write(state, draft, {
    at: draft.now,
    ...whoOf(asker),
    action: refused.action,
    on: refused.on,
    outcome: 'refused',
    code,
    reason: left === 0 ? `${message} Further refusals of this minute have no line.` : message,
    before: null,
    after: null,
  });
  return true;
}

export type Refusal =
  | Pick<CarillonError, 'code' | 'message'>
  | { readonly code: string; readonly message: string };

/** How many more refusals of this principal may have a line in this minute. */
function leftOf({ refusals }: State, who: string, now: number): number {
  const minute = Math.floor(now / MINUTE_MS);
  const before = refusals.get(who);
  const count = before?.minute === minute ? before.count + 1 : 1;
  refusals.delete(who);
  refusals.set(who, { minute, count });
  if (refusals.size > MAX_REFUSERS) refusals.delete(refusals.keys().next().value as string);
  return MAX_REFUSED - count;
}

function write(state: State, draft: Draft, line: NotedLine): void {
  state.audited += 1;
  draft.audit({
    id: auditId(line.at, state.term, state.audited),
    at: line.at,
    term: state.term,
    by: { kind: line.by.kind, name: cut(line.by.name) },
    from: line.from === null ? null : cut(line.from),
    via: line.via === null ? null : cut(line.via),
    action: cut(line.action),
    on: line.on === null ? null : cut(line.on),
    outcome: line.outcome,
    code: line.code,
    reason: line.reason === null ? null : cut(shownInMessage(line.reason), 2 * MAX_TEXT),
    before: line.before,
    after: line.after,
  });
}

/** Lines are also written to files, where a line break would begin another one. */
const cut = (text: string, most = MAX_TEXT): string => {
  const clean = text.replaceAll(/[\p{Cc}\p{Surrogate}\u2028\u2029]/gu, '\ufffd');
  return clean.length > most ? `${clean.slice(0, most - 1)}…` : clean;
};

/** As many values as fit, and what to say of the others. */
function bounded(
  before: Values | null,
  after: Values | null,
): { readonly values: Pick<AuditLine, 'before' | 'after'>; readonly rest: string | null } {
  const paths = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const kept: { before: Record<string, unknown>; after: Record<string, unknown> } = { before: {}, after: {} };
  let room = MAX_VALUES;
  let left = paths.length;
  for (const path of paths) {
    const own = [before, after].map((values) =>
      values !== null && path in values ? short(values[path]) : undefined,
    );
    room -= JSON.stringify([path, ...own]).length;
    if (room < 0) break;
    left -= 1;
    if (own[0] !== undefined) kept.before[path] = own[0];
    if (own[1] !== undefined) kept.after[path] = own[1];
  }
  return {
    values: { before: before === null ? null : kept.before, after: after === null ? null : kept.after },
    rest: left === 0 ? null : `${left} more ${left === 1 ? 'value' : 'values'} changed.`,
  };
}

function short(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (typeof value !== 'string' && text.length <= MAX_TEXT) return value;
  return cut(text);
}
