/** Engines, pools and nodes. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, PeerFailure } from '../../peers/client.ts';
import type { SchedulerHandle } from '../../scheduler/handle.ts';
import type { Member } from '../../scheduler/ports.ts';
import type { ApiContext } from '../context.ts';
import { answers } from '../endpoint.ts';
import { notLeading } from '../peers/forward.ts';
import { isForwarded, passedOn, relay } from '../peers/relay.ts';
import { iso } from '../wire/instants.ts';
import { ref } from '../wire/shape.ts';
import { summaryToWire } from '../wire/to-wire.ts';
import { type WireCluster as Cluster, WireCluster, WireEngineList, WirePoolList } from '../wire/views.ts';

/** Reports an unknown lag for a node that does not respond in time. */
const lagWithinMs = 500;
/** Longer than `lagWithinMs`, because the leader waits for the other nodes first. */
const viewWithinMs = 2_000;
/** Ten times the size of a `/health/ready` response. */
const maxReadyBytes = 4_096;

const tags = ['installation'];

export function installationRoutes(app: FastifyInstance, context: ApiContext): void {
  const { as, whole } = context;
  app.get(
    '/engines',
    {
      config: { needs: 'read', waits: true },
      schema: {
        summary: 'List engines',
        description:
          'As seen by the leader. Other nodes forward the request and name the leader in x-carillon-leader.',
        tags,
        operationId: 'listEngines',
        response: answers({ 200: { description: 'The engines', schema: ref(WireEngineList) } }),
      },
    },
    async (request) => {
      const engines = await as(request).engines();
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
      config: { needs: 'read' },
      schema: {
        summary: 'List pools with their slots in use',
        description: 'As seen by the leader. Other nodes forward the request.',
        tags,
        operationId: 'listPools',
        response: answers({ 200: { description: 'The pools, by name', schema: ref(WirePoolList) } }),
      },
    },
    async (request) => ({
      items: as(request)
        .pools()
        .map((pool) => ({ ...pool })),
      next: null,
    }),
  );

  app.get(
    '/cluster',
    {
      config: { needs: 'read', waits: true },
      schema: {
        summary: 'List nodes and show which one leads',
        description: 'As seen by the leader. If no leader is reachable, as seen by the node that responds.',
        tags,
        operationId: 'getCluster',
        response: answers({ 200: { description: 'The nodes', schema: ref(WireCluster) } }),
      },
    },
    async (request, reply) => {
      const { role, leader, self } = whole.cluster();
      if (role !== 'leader' && isForwarded(request)) throw notLeading('This node does not lead.');
      if (role !== 'leader' && leader !== null && leader.id !== self.id) {
        const answer = await viewOf(context, leader, request);
        if (answer !== null) return handOn(reply, answer, leader);
      }
      return ownView(context);
    },
  );
}

function handOn(reply: FastifyReply, answer: Answer, leader: Member): FastifyReply {
  relay(reply, answer, { 'x-carillon-leader': leader.id });
  return reply;
}

/** Returns the leader's response, or null if it has none. */
async function viewOf(context: ApiContext, leader: Member, request: FastifyRequest): Promise<Answer | null> {
  const { method, url: path } = request;
  try {
    const answer = await context.peers.open(leader, {
      method,
      path,
      headers: await passedOn(context, request, { method, path }),
      withinMs: viewWithinMs,
    });
    if (answer.status === 200) return answer;
    answer.discard();
    return null;
  } catch (error) {
    if (error instanceof PeerFailure) return null;
    throw error;
  }
}

async function ownView(context: ApiContext): Promise<Cluster> {
  const { leader, self, term, members, lagMs, store, takeover } = context.whole.cluster();
  const running = runningOnNodes(context.whole);
  const lags = await Promise.all(
    members.map((member) => (member.id === self.id ? lagMs : lagOf(context, member))),
  );
  return {
    leader: leader && { id: leader.id, url: leader.url, host: leader.host, pid: leader.pid },
    term,
    members: members.map(({ id, url, host, pid, version, labels = {}, capacity = {} }, i) => ({
      id,
      url,
      host,
      pid,
      version,
      role: id === leader?.id ? 'leader' : 'follower',
      lagMs: lags[i] ?? null,
      labels,
      capacity,
      running: running.get(id) ?? {},
    })),
    store: { reachable: store.reachable, detail: store.detail },
    takeover: takeover && { at: iso(takeover.at), tookMs: takeover.tookMs, term: takeover.term },
  };
}

/** Attempts of engines that only one node reaches, by node and engine. */
function runningOnNodes(scheduler: SchedulerHandle): Map<string, Record<string, number>> {
  const nodes = new Map<string, Record<string, number>>();
  for (const { state, attempts } of scheduler.liveRuns()) {
    const { host = null, engine = '' } = attempts.at(-1) ?? {};
    if (host === null || (state !== 'launching' && state !== 'running')) continue;
    const counts = nodes.get(host) ?? {};
    counts[engine] = (counts[engine] ?? 0) + 1;
    nodes.set(host, counts);
  }
  return nodes;
}

async function lagOf({ peers }: ApiContext, member: Member): Promise<number | null> {
  try {
    const { text } = await peers.read(member, {
      method: 'GET',
      path: '/health/ready',
      withinMs: lagWithinMs,
      maxBytes: maxReadyBytes,
    });
    const { lagMs } = JSON.parse(text) as { lagMs?: unknown };
    return typeof lagMs === 'number' ? lagMs : null;
  } catch {
    // The node is gone or too slow, or something else listens at its address.
    return null;
  }
}
