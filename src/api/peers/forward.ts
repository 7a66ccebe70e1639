/**
 * Lets every node answer: forwards requests that only the leader can handle, unread, and relays its response.
 * A request is forwarded once: a node that receives a forwarded request and does not lead refuses it.
 *
 * Until the first byte is sent, the request waits for a reachable leader. After that it is never resent:
 * without a response, the client learns that the outcome is unknown.
 */

import type { ClientRequest } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { type Answer, PeerFailure } from '../../peers/client.ts';
import type { Member } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import type { ApiContext } from '../context.ts';
import { isRead } from '../guard/methods.ts';
import { bodyTooLarge } from '../wire/error-map.ts';
import { isForwarded, passedOn, relay } from './relay.ts';

export const forwardLimits = {
  /** Elections take less, unless something is wrong that the client should learn. */
  leaderWithinMs: 5_000,
  leaderPollMs: 50,
  /** From connecting to a response: a full body over a slow line, and the longest decision. */
  answerWithinMs: 180_000,
  /** Time for an old leader to respond after it was deposed or this node was told to stop. */
  afterChangeMs: 5_000,
  /** Interval of checking who leads while waiting for a response. */
  lookMs: 500,
  /** A change reaches all nodes within milliseconds, unless something is wrong with this one. */
  caughtUpMs: 2_000,
} as const;

/** Reads of state that only the leader has. */
const leaderReads = new Set(['/api/v1/engines', '/api/v1/pools', '/api/v1/notifications']);

/** For the routes of `/api/v1`; call it before they are added. */
export function forwardToLeader(app: FastifyInstance, context: ApiContext): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!isRead(request) || leaderReads.has(request.routeOptions.url ?? '')) {
      const found = await askLeader(context, request, reply);
      if (found === null) return;
      await hideUntilHere(context, request, found.answer);
      relay(reply, found.answer, { 'x-carillon-leader': found.leader.id });
      return;
    }
    const { role, lagMs } = context.whole.cluster();
    if (role !== 'leader' && lagMs !== null) reply.header('x-carillon-lag-ms', String(Math.round(lagMs)));
  });
}

interface LeaderAnswer {
  readonly leader: Member;
  readonly answer: Answer;
}

/** Returns the leader's response, or null if this node leads. */
async function askLeader(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<LeaderAnswer | null> {
  const { whole: scheduler, clock } = context;
  const until = clock.monotonicMs() + forwardLimits.leaderWithinMs;
  for (;;) {
    const { role, leader, self } = scheduler.cluster();
    if (role === 'leader') return null;
    if (isForwarded(request))
      throw notLeading('This node does not lead, and the request was already forwarded once.');
    refuseTooLarge(request);
    let why = 'No node leads at the moment.';
    if (leader !== null && leader.id !== self.id) {
      try {
        return { leader, answer: await passOn(context, leader, request, reply) };
      } catch (error) {
        if (!(error instanceof PeerFailure)) throw error;
        if (error.sent) throw brokenOff(request, leader, error);
        why = `The leader ${leader.url} cannot be reached from this node (${error.message}).`;
      }
    }
    if (clock.monotonicMs() >= until || reply.raw.destroyed || context.closing.aborted) throw notLeading(why);
    await sleep(clock, forwardLimits.leaderPollMs);
  }
}

/**
 * Sends the request as it arrives. Gives up when the client disconnects or the leader loses its leadership.
 */
async function passOn(
  context: ApiContext,
  leader: Member,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Answer> {
  const { raw } = request;
  const control = new AbortController();
  const gone = () => control.abort();
  reply.raw.once('close', gone);
  const stopLooking = giveUpOn(context, leader, control);
  const hasBody =
    raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined;
  try {
    const passed = { method: request.method, path: raw.url ?? '/' };
    return await context.peers.open(leader, {
      ...passed,
      headers: await passedOn(context, request, passed),
      ...(hasBody && { send: (outgoing) => sendBody(request, outgoing, control) }),
      withinMs: forwardLimits.answerWithinMs,
      signal: control.signal,
    });
  } catch (error) {
    const { reason } = control.signal;
    throw reason instanceof CarillonError ? reason : error;
  } finally {
    stopLooking();
    reply.raw.off('close', gone);
  }
}

/** Limited here too: a leader that refuses the body while it is being sent may no longer be heard. */
function sendBody(request: FastifyRequest, outgoing: ClientRequest, control: AbortController): void {
  const { raw } = request;
  const most = request.routeOptions.bodyLimit;
  let bytes = 0;
  const count = (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > most) control.abort(bodyTooLarge(most, null));
  };
  raw.on('data', count);
  raw.pipe(outgoing);
  outgoing.once('close', () => {
    raw.off('data', count);
    // The rest of the body must still be read for the connection to stay usable.
    raw.unpipe(outgoing).resume();
  });
}

function refuseTooLarge(request: FastifyRequest): void {
  const most = request.routeOptions.bodyLimit;
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > most) throw bodyTooLarge(most, length);
}

function giveUpOn(
  { whole: scheduler, clock, closing }: ApiContext,
  leader: Member,
  control: AbortController,
): () => void {
  let changedAt: number | null = null;
  const checkAgain = (): (() => void) =>
    clock.after(forwardLimits.lookMs, () => {
      const now = clock.monotonicMs();
      if (scheduler.cluster().leader?.id !== leader.id || closing.aborted) changedAt ??= now;
      if (changedAt !== null && now - changedAt > forwardLimits.afterChangeMs) control.abort();
      else cancel = checkAgain();
    });
  let cancel = checkAgain();
  return () => cancel();
}

/** Delays the response until this node has the change, so that a client reads its own writes here. */
async function hideUntilHere(
  { whole: scheduler }: ApiContext,
  request: FastifyRequest,
  { status }: Answer,
): Promise<void> {
  if (isRead(request) || status < 200 || status >= 300) return;
  // A node that cannot catch up must not hide that the change was made.
  await scheduler.caughtUp(forwardLimits.caughtUpMs).catch(() => false);
}

export const notLeading = (message: string): CarillonError => new CarillonError('NOT_LEADING', message);

function brokenOff(request: FastifyRequest, leader: Member, { message }: PeerFailure): CarillonError {
  const broken = `The leader ${leader.url} did not respond (${message}).`;
  if (isRead(request)) return notLeading(broken);
  return new CarillonError(
    'STORE_UNAVAILABLE',
    `${broken} The change may or may not have been made. Repeating PUT /jobs/{name}, /apply, or a ` +
      'trigger with the same Idempotency-Key is safe. Otherwise check the state first.',
  );
}
