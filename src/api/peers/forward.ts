/**
 * Lets every node answer: what only the leader can do or knows is passed on to it as it came, unread, and its
 * answer comes back as it is. Passed on once: a node that gets such a request and does not lead refuses it.
 *
 * While nothing of a request has left this node, another leader is waited for. Afterwards nothing is repeated:
 * if the answer stays away, the client is told that nobody knows.
 */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import type { Member } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import type { ApiContext } from '../context.ts';
import { bodyTooLarge } from '../wire/error-map.ts';
import { isForwarded, PeerFailure, passedOn, relay } from './peer.ts';

export const forwardLimits = {
  /** Elections take less, unless something is wrong that a client should hear of. */
  leaderWithinMs: 5_000,
  leaderPollMs: 50,
  /** From connecting to an answer: a full body over a slow line, and the longest decision. */
  answerWithinMs: 180_000,
  /** An old leader gets this long to answer after it was deposed or this node was told to stop. */
  afterChangeMs: 5_000,
  /** How often it is looked who leads while an answer is awaited. */
  lookMs: 500,
  /** A change is on all nodes within milliseconds, or something is wrong with this one. */
  caughtUpMs: 2_000,
} as const;

const reads = new Set(['GET', 'HEAD']);
const asksForChange = ({ method }: FastifyRequest): boolean => !reads.has(method);
/** Reads of what only the leader knows. */
const leaderReads = new Set(['/api/v1/engines', '/api/v1/pools']);

/** For the routes of `/api/v1`, before they are added. */
export function forwardToLeader(app: FastifyInstance, context: ApiContext): void {
  app.addHook('onRequest', async (request, reply) => {
    if (asksForChange(request) || leaderReads.has(request.routeOptions.url ?? '')) {
      const found = await askLeader(context, request, reply);
      if (found === null) return;
      await hideUntilHere(context, request, found.answer);
      relay(reply, found.answer, { 'x-carillon-leader': found.leader.id });
      return;
    }
    const { role, lagMs } = context.scheduler.cluster();
    if (role !== 'leader' && lagMs !== null) reply.header('x-carillon-lag-ms', String(Math.round(lagMs)));
  });
}

interface Found {
  readonly leader: Member;
  readonly answer: IncomingMessage;
}

/** The leader's answer; null when that is this node. */
async function askLeader(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Found | null> {
  const { scheduler, clock } = context;
  const until = clock.monotonicMs() + forwardLimits.leaderWithinMs;
  for (;;) {
    const { role, leader, self } = scheduler.cluster();
    if (role === 'leader') return null;
    if (isForwarded(request))
      throw notLeading('This node does not lead, and the request was forwarded once.');
    refuseTooLarge(request);
    let why = 'No node leads at the moment.';
    if (leader !== null && leader.id !== self.id) {
      try {
        return { leader, answer: await passOn(context, leader, request, reply) };
      } catch (error) {
        if (!(error instanceof PeerFailure)) throw error;
        if (error.sent) throw brokenOff(request, leader, error);
        why = `The leader ${leader.url} can not be reached from here (${error.message}).`;
      }
    }
    if (clock.monotonicMs() >= until || reply.raw.destroyed || context.closing.aborted) throw notLeading(why);
    await sleep(clock, forwardLimits.leaderPollMs);
  }
}

/** Sends the request as it comes; gives up when the client goes, or when the leader is one no longer. */
async function passOn(
  context: ApiContext,
  leader: Member,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<IncomingMessage> {
  const { raw } = request;
  const control = new AbortController();
  const gone = () => control.abort();
  reply.raw.once('close', gone);
  const stopLooking = giveUpOn(context, leader, control);
  const hasBody =
    raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined;
  try {
    return await context.peers.ask(leader, {
      method: request.method,
      path: raw.url ?? '/',
      headers: passedOn(request),
      ...(hasBody && { send: (outgoing) => sendBody(request, outgoing, control) }),
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

/** Bounded here too: a leader that refuses in the middle of a body may not be heard any more. */
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
    // What nobody wants any more must still be read for the connection to go on.
    raw.unpipe(outgoing).resume();
  });
}

function refuseTooLarge(request: FastifyRequest): void {
  const most = request.routeOptions.bodyLimit;
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > most) throw bodyTooLarge(most, length);
}

function giveUpOn(
  { scheduler, clock, closing }: ApiContext,
  leader: Member,
  control: AbortController,
): () => void {
  const began = clock.monotonicMs();
  let changedAt: number | null = null;
  const look = (): (() => void) =>
    clock.after(forwardLimits.lookMs, () => {
      const now = clock.monotonicMs();
      if (scheduler.cluster().leader?.id !== leader.id || closing.aborted) changedAt ??= now;
      const late = now - began > forwardLimits.answerWithinMs;
      if (late || (changedAt !== null && now - changedAt > forwardLimits.afterChangeMs)) control.abort();
      else cancel = look();
    });
  let cancel = look();
  return () => cancel();
}

/** Whoever writes through this node reads from it what was written. */
async function hideUntilHere(
  { scheduler }: ApiContext,
  request: FastifyRequest,
  answer: IncomingMessage,
): Promise<void> {
  const status = answer.statusCode ?? 0;
  if (!asksForChange(request) || status < 200 || status >= 300) return;
  // A node that can't catch up must not hide that the change was made.
  await scheduler.caughtUp(forwardLimits.caughtUpMs).catch(() => false);
}

export const notLeading = (message: string): CarillonError => new CarillonError('NOT_LEADING', message);

function brokenOff(request: FastifyRequest, leader: Member, { message }: PeerFailure): CarillonError {
  const broken = `The leader ${leader.url} did not answer (${message}).`;
  if (!asksForChange(request)) return notLeading(broken);
  return new CarillonError(
    'STORE_UNAVAILABLE',
    `${broken} It is not known whether the change was made. Putting and applying jobs may be repeated safely, ` +
      'and so may a trigger with the same Idempotency-Key; otherwise look first.',
  );
}
