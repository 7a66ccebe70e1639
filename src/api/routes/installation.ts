/** The engines and the nodes. */

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Member } from '../../scheduler/ports.ts';
import type { ApiContext } from '../context.ts';
import { answers } from '../endpoint.ts';
import { notLeading } from '../peers/forward.ts';
import { isForwarded, passedOn, relay } from '../peers/peer.ts';
import { deadline } from '../peers/waiting.ts';
import { iso } from '../wire/instants.ts';
import { ref } from '../wire/shape.ts';
import { summaryToWire } from '../wire/to-wire.ts';
import { type WireCluster as Cluster, WireCluster, WireEngineList, WirePoolList } from '../wire/views.ts';

/** A node that does not answer by then has no lag that could be told. */
const lagWithinMs = 500;
/** The leader waits for the others' lag, and is a network away. */
const viewWithinMs = 2_000;
/** An answer of `/health/ready` is a tenth of this. */
const maxReadyBytes = 4_096;

const tags = ['installation'];

export function installationRoutes(app: FastifyInstance, context: ApiContext): void {
  const { scheduler } = context;
  app.get(
    '/engines',
    {
      schema: {
        summary: 'What can launch jobs here',
        description:
          'As the leader sees it; another node passes the request on to it, and says so by x-carillon-leader.',
        tags,
        operationId: 'listEngines',
        response: answers({ 200: { description: 'The engines', schema: ref(WireEngineList) } }),
      },
    },
    async () => {
      const engines = await scheduler.engines();
      const items = engines.map((engine) => ({
        ...engine,
        startLatency: summaryToWire(engine.startLatency),
      }));
      return { items, next: null };
    },
  );

  app.get(
    '/pools',
    {
      schema: {
        summary: 'The pools, and how many of their places are taken',
        description: 'As the leader sees them, like the engines.',
        tags,
        operationId: 'listPools',
        response: answers({ 200: { description: 'The pools, by name', schema: ref(WirePoolList) } }),
      },
    },
    async () => ({ items: scheduler.pools().map((pool) => ({ ...pool })), next: null }),
  );

  app.get(
    '/cluster',
    {
      schema: {
        summary: 'The schedulers, and which of them leads',
        description:
          'As the leader sees it; from the view of the node that was asked while none can be reached.',
        tags,
        operationId: 'getCluster',
        response: answers({ 200: { description: 'The nodes', schema: ref(WireCluster) } }),
      },
    },
    async (request, reply) => {
      const { role, leader, self } = scheduler.cluster();
      if (role !== 'leader' && isForwarded(request)) throw notLeading('This node does not lead.');
      if (role !== 'leader' && leader !== null && leader.id !== self.id) {
        const answer = await viewOf(context, leader, request);
        if (answer !== null) return handOn(reply, answer, leader);
      }
      return ownView(context);
    },
  );
}

function handOn(reply: FastifyReply, answer: IncomingMessage, leader: Member): FastifyReply {
  relay(reply, answer, { 'x-carillon-leader': leader.id });
  return reply;
}

/** The leader's answer; null when it has none to give. */
async function viewOf(
  { peers, clock }: ApiContext,
  leader: Member,
  request: FastifyRequest,
): Promise<IncomingMessage | null> {
  const { signal, release } = deadline(clock, viewWithinMs);
  const { method } = request;
  try {
    const answer = await peers.ask(leader, {
      method,
      path: request.url,
      headers: passedOn(request),
      signal,
    });
    if (answer.statusCode === 200) return answer;
    answer.resume();
    return null;
  } catch {
    return null;
  } finally {
    release();
  }
}

async function ownView(context: ApiContext): Promise<Cluster> {
  const { leader, self, term, members, lagMs, store, takeover } = context.scheduler.cluster();
  const lags = await Promise.all(
    members.map((member) => (member.id === self.id ? lagMs : lagOf(context, member))),
  );
  return {
    leader: leader && { id: leader.id, url: leader.url, host: leader.host, pid: leader.pid },
    term,
    members: members.map(({ id, url, host, pid, version }, i) => ({
      id,
      url,
      host,
      pid,
      version,
      role: id === leader?.id ? 'leader' : 'follower',
      lagMs: lags[i] ?? null,
    })),
    store: { reachable: store.reachable, detail: store.detail },
    takeover: takeover && { at: iso(takeover.at), tookMs: takeover.tookMs, term: takeover.term },
  };
}

async function lagOf({ peers, clock }: ApiContext, member: Member): Promise<number | null> {
  const { signal, release } = deadline(clock, lagWithinMs);
  try {
    const answer = await peers.ask(member, { method: 'GET', path: '/health/ready', signal });
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) {
      text += chunk;
      if (text.length > maxReadyBytes) return null;
    }
    const { lagMs } = JSON.parse(text) as { lagMs?: unknown };
    return typeof lagMs === 'number' ? lagMs : null;
  } catch {
    // Gone, too slow, or something else answers at its address.
    return null;
  } finally {
    release();
  }
}
