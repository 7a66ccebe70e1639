/**
 * The forms of another node's answers about its engine. The node may run another release, or something else may listen at
 * its address, so answers of any other form do not reach the scheduler.
 */

import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Changes, LaunchReport } from '../scheduler/ports.ts';

/** How a launch ended: the same in a report and in an observation. */
const outcome = {
  reason: Type.Optional(Type.String()),
  cause: Type.Optional(Type.Unknown()),
  infrastructure: Type.Optional(Type.Boolean()),
  bytesDropped: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  usage: Type.Optional(
    Type.Partial(
      Type.Object({
        cpuMs: Type.Number(),
        peakBytes: Type.Number(),
        readBytes: Type.Number(),
        writtenBytes: Type.Number(),
        until: Type.Number(),
      }),
    ),
  ),
};
/** Other fields pass: a later release may report more. */
const Report = Type.Object({
  launchName: Type.String(),
  state: Type.Union([Type.Literal('created'), Type.Literal('running'), Type.Literal('ended')]),
  startedAt: Type.Optional(Type.Number()),
  endedAt: Type.Optional(Type.Number()),
  image: Type.Optional(Type.String()),
  exitCode: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  ...outcome,
});

const exact = { additionalProperties: false };
const node = Type.String();
const Cause = Type.Union([
  Type.Object(
    {
      code: Type.Union([
        Type.Literal('not-executable'),
        Type.Literal('never-started'),
        Type.Literal('out-of-memory'),
        Type.Literal('killed-from-outside'),
        Type.Literal('kill-forced'),
        Type.Literal('timeout-enforced'),
        Type.Literal('supervisor-lost'),
        Type.Literal('machine-restarted'),
        Type.Literal('launch-removed'),
      ]),
    },
    exact,
  ),
  Type.Object({ code: Type.Union([Type.Literal('node-refused'), Type.Literal('node-down')]), node }, exact),
  Type.Object({ code: Type.Literal('engine-restarted'), node: Type.Optional(node) }, exact),
]);

const named = { launchName: Type.String(), at: Type.Number() };
const Observation = Type.Union([
  Type.Object({ kind: Type.Literal('preparing'), ...named, detail: Type.String() }),
  Type.Object({ kind: Type.Literal('started'), ...named, image: Type.Optional(Type.String()) }),
  Type.Object({ kind: Type.Literal('output-dropped'), ...named, bytesDropped: Type.Number() }),
  Type.Object({
    kind: Type.Literal('ended'),
    ...named,
    startedAt: Type.Optional(Type.Number()),
    exitCode: Type.Union([Type.Number(), Type.Null()]),
    ...outcome,
  }),
]);

const reportsCheck = Compile(Type.Array(Report));
const causeCheck = Compile(Cause);
const changesCheck = Compile(
  Type.Object({
    ticket: Type.Object({ boot: Type.Number(), at: Type.Number(), seq: Type.Number() }),
    observations: Type.Union([Type.Null(), Type.Array(Observation)]),
  }),
);

/** Null for anything else. */
export function reportsIn(text: string): LaunchReport[] | null {
  const reports = jsonIn(text);
  return reportsCheck.Check(reports) ? reports.map(withKnownCause) : null;
}

/** Null for anything else. */
export function changesIn(text: string): Changes | null {
  const changes = jsonIn(text);
  if (!changesCheck.Check(changes)) return null;
  const { ticket, observations } = changes;
  const known = observations?.map((each) => (each.kind === 'ended' ? withKnownCause(each) : each));
  return { ticket, observations: known ?? null };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Without a cause that this release does not know, such as one of a later release. Its text stays. */
function withKnownCause<T extends { cause?: unknown }>({
  cause,
  ...report
}: T): Omit<T, 'cause'> & { cause?: Static<typeof Cause> } {
  return causeCheck.Check(cause) ? { ...report, cause } : report;
}
