/**
 * An engine that only another node reaches, used through that node: its inventory, kills and removals.
 * Nothing is ever started this way.
 */

import { CarillonError } from '../errors.ts';
import type { Launcher, LaunchReport } from '../scheduler/ports.ts';

/** Nodes of one installation are close to each other; a slower response is retried. */
const ANSWER_MS = 3_000;

export interface RemoteEngineParts {
  readonly engine: string;
  readonly host: string;
  /** The current address of the node. Null while it is absent. */
  readonly url: () => string | null;
}

/** All calls fail with ENGINE_UNAVAILABLE while the node does not respond. */
export function createRemoteEngine({
  engine,
  host,
  url,
}: RemoteEngineParts): Pick<Launcher, 'inventory' | 'kill' | 'takeBack' | 'remove'> {
  async function ask(method: 'GET' | 'POST', what: string, body?: object): Promise<Response> {
    const base = url();
    const at = `/internal/engines/${encodeURIComponent(engine)}/${what}`;
    try {
      if (base === null) throw new Error('the node is absent');
      const response = await fetch(new URL(at, base), {
        method,
        signal: AbortSignal.timeout(ANSWER_MS),
        headers: {
          'user-agent': 'carillon-node',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`it answered ${response.status}: ${await response.text()}`);
      return response;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CarillonError('ENGINE_UNAVAILABLE', `the node ${host} does not respond: ${reason}`, {
        field: 'host',
        value: host,
      });
    }
  }
  return {
    async inventory() {
      return (await (await ask('GET', 'inventory')).json()) as LaunchReport[];
    },
    async kill(launchName, graceMs) {
      await ask('POST', 'kill', { launchName, graceMs });
    },
    async takeBack(launchName) {
      await ask('POST', 'take-back', { launchName });
    },
    async remove(launchName) {
      await ask('POST', 'remove', { launchName });
    },
  };
}
