/** Joins what proves who asks with the scheduler: its store, its leader, and the other nodes. */

import { Authentication } from '../auth/authentication.ts';
import { newKey } from '../auth/keys.ts';
import type { PeerHeaders, Peers } from '../peers/client.ts';
import type { SchedulerHandle } from '../scheduler/handle.ts';
import type { Log, Member } from '../scheduler/ports.ts';
import { submitTold, type Told } from '../scheduler/told.ts';
import { realClock } from './clock.ts';
import { type Config, type Environment, isWildcard, loadClientConfig } from './config.ts';

const toldWithinMs = 10_000;
const maxAnswerBytes = 64 * 1024;
/** Where a node is told what happened on another one. */
const accessPath = '/internal/access';
/** How old the newest signing key may become. The one before it verifies for as long again. */
const keyAgeMs = 30 * 86_400_000;
const lookEveryMs = 60 * 60_000;

export interface JoinedParts {
  readonly config: Config;
  readonly environment: Environment;
  readonly log: Log;
  readonly node: Member;
  readonly scheduler: SchedulerHandle;
  readonly peers: Peers;
}

export interface Joined {
  readonly authentication: Authentication;
  /** Headers by which another node knows that this one asks. */
  introduce(passed: { readonly method: string; readonly path: string }): Promise<PeerHeaders>;
  stop(): Promise<void>;
}

export function joinAuthentication(parts: JoinedParts): Joined {
  const { config, environment, log, node, scheduler } = parts;
  const { advertiseUrl, allowedHost, host } = config;
  const introduce: Joined['introduce'] = (passed) =>
    authentication.authenticator.passOn({ principal: principalOf(node), from: null, via: null }, passed);
  const authentication = new Authentication({
    ...{ clock: realClock, log, self: node.id, known: scheduler, authFile: config.authFile },
    names: [
      ...(isWildcard(host) ? [] : [host]),
      ...(advertiseUrl === null ? [] : [new URL(advertiseUrl).hostname]),
      ...allowedHost,
    ],
    stateDir: loadClientConfig(environment).stateDir,
    tell: (told) => tellLeader(parts, told, introduce),
  });
  const stopKeys = keepKeys(parts);
  return {
    authentication,
    introduce,
    stop: async () => {
      stopKeys();
      await authentication.stop();
    },
  };
}

const principalOf = ({ id }: Member) => ({ kind: 'node', name: id, id, bindings: [] }) as const;

async function tellLeader(
  { scheduler, peers, node }: JoinedParts,
  told: Told,
  introduce: Joined['introduce'],
): Promise<void> {
  const { role, leader } = scheduler.cluster();
  if (role === 'leader' || leader === null || leader.id === node.id)
    return submitTold(scheduler, told, node.id);
  const passed = { method: 'POST', path: accessPath };
  const { status, text } = await peers.read(leader, {
    ...passed,
    headers: { 'content-type': 'application/json', ...(await introduce(passed)) },
    send: (outgoing) => outgoing.end(JSON.stringify(told)),
    ...{ withinMs: toldWithinMs, maxBytes: maxAnswerBytes },
  });
  if (status >= 300) throw new Error(`The leader answered ${status}: ${text.slice(0, 200)}`);
}

/** The leader makes the first key of the installation, and another one from time to time. Returns how to stop it. */
function keepKeys({ scheduler, log, node }: JoinedParts): () => void {
  let cancel = (): void => undefined;
  const look = async (): Promise<void> => {
    cancel();
    if (!scheduler.leadership().leading) return;
    cancel = realClock.after(lookEveryMs, () => void look());
    const [newest] = scheduler.signingKeys();
    if (newest !== undefined && scheduler.now() - newest.createdAt < keyAgeMs) return;
    await scheduler
      .submit({ kind: 'add-key', ...newKey(), by: node.id })
      .catch((error: unknown) => log.warn({ error }, 'access.key-not-added'));
  };
  const unsubscribe = scheduler.subscribe((notice) => {
    if (notice.kind === 'leader') void look();
  });
  return () => {
    unsubscribe();
    cancel();
  };
}
