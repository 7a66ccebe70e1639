/**
 * An engine that only another node reaches, used through that node: its inventory, kills and removals.
 * Nothing is ever started this way.
 */

import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { CarillonError } from '../errors.ts';
import { PeerFailure, type Peers, type Question } from '../peers/client.ts';
import type { Launcher, LaunchReport } from '../scheduler/ports.ts';

/** Nodes of one installation are close to each other; a slower response is retried. */
const ANSWER_MS = 3_000;
/** Over 100,000 launches, of which each takes some 200 bytes. */
const INVENTORY_BYTES = 32 * 1024 * 1024;
/** Only refusals have a body. */
const CHANGED_BYTES = 64 * 1024;
/** Part of a refusal that is shown. */
const SHOWN_CHARACTERS = 500;

export interface RemoteEngineParts {
  readonly engine: string;
  readonly host: string;
  /** The current address of the node. Null while it is absent. */
  readonly url: () => string | null;
  readonly peers: Peers;
}

/** Other fields pass: a later release may report more. */
const Report = Type.Object({
  launchName: Type.String(),
  state: Type.Union([Type.Literal('created'), Type.Literal('running'), Type.Literal('ended')]),
  startedAt: Type.Optional(Type.Number()),
  endedAt: Type.Optional(Type.Number()),
  image: Type.Optional(Type.String()),
  exitCode: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  reason: Type.Optional(Type.String()),
  cause: Type.Optional(Type.Unknown()),
  infrastructure: Type.Optional(Type.Boolean()),
  bytesDropped: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  usage: Type.Optional(Type.Object({ cpuMs: Type.Number(), peakBytes: Type.Number() })),
});
const inventoryCheck = Compile(Type.Array(Report));

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
const causeCheck = Compile(Cause);

/** All calls fail with ENGINE_UNAVAILABLE while the node does not respond. */
export function createRemoteEngine({
  engine,
  host,
  url,
  peers,
}: RemoteEngineParts): Pick<Launcher, 'inventory' | 'kill' | 'takeBack' | 'remove'> {
  const unavailable = (reason: string): CarillonError =>
    new CarillonError('ENGINE_UNAVAILABLE', `the node ${host} does not respond: ${reason}`, {
      field: 'host',
      value: host,
    });

  /** Returns the body of a response that is no refusal. */
  async function ask(method: 'GET' | 'POST', what: string, maxBytes: number, body?: object): Promise<string> {
    const peer = url();
    if (peer === null) throw unavailable('the node is absent');
    try {
      const { status, text } = await peers.read(
        { url: peer },
        {
          method,
          path: `/internal/engines/${encodeURIComponent(engine)}/${what}`,
          withinMs: ANSWER_MS,
          maxBytes,
          ...(body !== undefined && asJson(body)),
        },
      );
      if (status >= 200 && status < 300) return text;
      throw unavailable(`it answered ${status}: ${shortened(text)}`);
    } catch (error) {
      throw error instanceof PeerFailure ? unavailable(error.message) : error;
    }
  }
  const change = async (what: string, body: object): Promise<void> => {
    await ask('POST', what, CHANGED_BYTES, body);
  };

  return {
    async inventory() {
      const reports = reportsIn(await ask('GET', 'inventory', INVENTORY_BYTES));
      if (reports === null) throw unavailable('what it answered is no inventory');
      return reports;
    },
    kill: (launchName, graceMs) => change('kill', { launchName, graceMs }),
    takeBack: (launchName) => change('take-back', { launchName }),
    remove: (launchName) => change('remove', { launchName }),
  };
}

function asJson(body: object): Pick<Question, 'headers' | 'send'> {
  const text = JSON.stringify(body);
  return { headers: { 'content-type': 'application/json' }, send: (outgoing) => void outgoing.end(text) };
}

/** Null for anything else, which must not reach the scheduler. */
function reportsIn(text: string): LaunchReport[] | null {
  try {
    const reports: unknown = JSON.parse(text);
    return inventoryCheck.Check(reports) ? reports.map(withKnownCause) : null;
  } catch {
    return null;
  }
}

/** Without a cause that this release does not know, such as one of a later release. Its text stays. */
function withKnownCause({ cause, ...report }: Static<typeof Report>): LaunchReport {
  return causeCheck.Check(cause) ? { ...report, cause } : report;
}

const shortened = (text: string): string =>
  text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
