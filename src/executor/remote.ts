/**
 * An engine that only another node reaches, used through that node.
 */

import { CarillonError, type ErrorCode } from '../errors.ts';
import { type Peer, PeerFailure, type Peers, type Question } from '../peers/client.ts';
import type { LocalEngine } from '../scheduler/ports.ts';
import { changesIn, reportsIn } from './remote-forms.ts';

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
  /** The node, where it is now. Null while it is absent. */
  readonly peer: () => Peer | null;
  readonly peers: Peers;
}

/**
 * All calls fail with ENGINE_UNAVAILABLE while the node does not respond, except launches of which nothing was
 * sent.
 */
export function createRemoteEngine({ engine, host, peer, peers }: RemoteEngineParts): Required<LocalEngine> {
  const unavailable = (reason: string): CarillonError =>
    new CarillonError('ENGINE_UNAVAILABLE', `the node ${host} does not respond: ${reason}`, {
      field: 'host',
      value: host,
    });

  async function send(method: 'GET' | 'POST', what: string, maxBytes: number, body?: object) {
    const there = peer();
    if (there === null) throw new PeerFailure(new Error('the node is absent'), false);
    const path = `/internal/engines/${encodeURIComponent(engine)}/${what}`;
    const json = body === undefined ? {} : asJson(body);
    return peers.read(there, { method, path, withinMs: ANSWER_MS, maxBytes, ...json });
  }
  /** Returns a response that is no refusal. Null: the node does not know the request. */
  async function ask(...question: Parameters<typeof send>): Promise<string | null> {
    const { status, text } = await send(...question).catch((error: unknown) => {
      throw error instanceof PeerFailure ? unavailable(error.message) : error;
    });
    if (status === 404) return null;
    if (status >= 200 && status < 300) return text;
    throw unavailable(`it answered ${status}: ${shortened(text)}`);
  }
  async function askKnown(...question: Parameters<typeof send>): Promise<string> {
    const text = await ask(...question);
    if (text === null) throw unavailable('it answered 404');
    return text;
  }
  const change = async (what: string, body: object): Promise<void> => {
    await askKnown('POST', what, CHANGED_BYTES, body);
  };

  return {
    async inventory() {
      const reports = reportsIn(await askKnown('GET', 'inventory', INVENTORY_BYTES));
      if (reports === null) throw unavailable('what it answered is no inventory');
      return reports;
    },
    async changes(term, after) {
      const text = await ask('POST', 'changes', INVENTORY_BYTES, { term, ...(after !== null && { after }) });
      if (text === null) return null;
      const changes = changesIn(text);
      if (changes === null) throw unavailable('what it answered is no list of changes');
      return changes;
    },
    async launchFor(spec, ticket) {
      const { launchName, installation, term } = spec;
      const body = { launchName, installation, term, spec, ticket };
      const { status, text } = await send('POST', 'launch', CHANGED_BYTES, body).catch((error: unknown) => {
        if (!(error instanceof PeerFailure)) throw error;
        if (error.sent) throw unavailable(error.message);
        throw new CarillonError('NO_PLACE', `the node ${host} does not respond: ${error.message}`);
      });
      if (status >= 300) throw refusalIn(text) ?? unavailable(`it answered ${status}: ${shortened(text)}`);
    },
    kill: (launchName, graceMs) => change('kill', { launchName, graceMs }),
    takeBack: (launchName) => change('take-back', { launchName }),
    remove: (launchName) => change('remove', { launchName }),
  };
}

/** Refusals after which the node has nothing of the launch, with what they mean to the leader. */
const refusals: Readonly<Partial<Record<string, ErrorCode>>> = {
  LAUNCH_REFUSED: 'LAUNCH_REFUSED',
  UNSUPPORTED_BY_ENGINE: 'UNSUPPORTED_BY_ENGINE',
  NO_PLACE: 'NO_PLACE',
  // It leads itself, is stopping, or has no such engine.
  NOT_LEADING: 'NO_PLACE',
  ENGINE_NOT_CONFIGURED: 'NO_PLACE',
};

function refusalIn(text: string): CarillonError | null {
  const { code, detail } = problemIn(text);
  const meant = refusals[String(code)];
  return meant === undefined ? null : new CarillonError(meant, shortened(String(detail)));
}

function problemIn(text: string): { readonly code?: unknown; readonly detail?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function asJson(body: object): Pick<Question, 'headers' | 'send'> {
  const text = JSON.stringify(body);
  return { headers: { 'content-type': 'application/json' }, send: (outgoing) => void outgoing.end(text) };
}

const shortened = (text: string): string =>
  text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
