/** Passes requests on to other nodes and their responses back, with the headers that are for both ends. */

import type { IncomingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer, PeerHeaders } from '../../peers/client.ts';
import type { Passed } from '../../who-asks/question.ts';
import type { ApiContext } from '../context.ts';
import { askerIn } from '../guard/needs.ts';
import { whenOver } from '../guard/room.ts';

export const isForwarded = ({ isPeer }: FastifyRequest): boolean => isPeer;

/** Relays a response unchanged. An error on one side breaks the other. */
export function relay(reply: FastifyReply, answer: Answer, own: PeerHeaders): void {
  reply.hijack();
  reply.raw.writeHead(answer.status, { ...endToEnd(answer.headers), ...own });
  // A stream may be silent for a long time.
  reply.raw.flushHeaders();
  // The pipeline alone would wait for the next piece before it ends.
  whenOver(reply, answer.discard);
  pipeline(answer.body, reply.raw, () => {});
}

const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Removes the headers that concern a single connection. */
export function endToEnd(headers: IncomingHttpHeaders): PeerHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const left = new Set([...hopByHop, ...named]);
  const kept: PeerHeaders = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !left.has(name)) kept[name] = value;
  return kept;
}

/** Headers that a node checks itself, and what proves to it who asks. */
const ownHeaders = /^(?:host|expect|origin|authorization|cookie|x-carillon-.*)$/;

/** The headers of a request that a node sends to another for whoever sent it `request`. */
export async function passedOn(
  { authenticator }: Pick<ApiContext, 'authenticator'>,
  request: FastifyRequest,
  passed: Passed,
): Promise<PeerHeaders> {
  const kept = Object.entries(endToEnd(request.headers)).filter(([name]) => !ownHeaders.test(name));
  return {
    ...Object.fromEntries(kept),
    ...(request.raw.headers['transfer-encoding'] !== undefined && { 'transfer-encoding': 'chunked' }),
    ...(await authenticator.passOn(askerIn(request), passed)),
  };
}
