/** Passes requests on to other nodes and their responses back, with the headers that are for both ends. */

import type { IncomingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, forwardedBy, forwardedFor, type PeerHeaders } from '../../peers/client.ts';
import { whenOver } from '../guard/room.ts';

export const isForwarded = ({ headers }: FastifyRequest): boolean => headers[forwardedBy] !== undefined;

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

/** The request headers that a node forwards. Headers that it sets or checks itself are left out. */
export function passedOn({ headers, ip, raw }: FastifyRequest): PeerHeaders {
  const { host: _host, expect: _expect, origin: _origin, ...kept } = endToEnd(headers);
  if (raw.headers['transfer-encoding'] !== undefined) kept['transfer-encoding'] = 'chunked';
  return { ...kept, [forwardedFor]: ip };
}
