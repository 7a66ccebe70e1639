/** Reads thousands of nodes with few requests, each small enough for one response. */

import type { NodeData } from './answer.ts';
import { type Call, multiReadCall } from './call.ts';

/** Maximum nodes per request, and maximum concurrent requests: measured as fastest. */
const maxChunk = 500;
const inFlight = 4;
/** Target size of a response, estimated from the size of previous nodes. */
const answerBytes = 1024 * 1024;
/** Nodes in the first request; later ones have up to four times as many as the previous one. */
const firstChunk = 32;
const growth = 4;

/** The nodes in the order of `paths`, null if missing. Rejects with the first error. */
export async function readMany(
  paths: readonly string[],
  send: <T>(call: Call<T>) => Promise<T>,
): Promise<(NodeData | null)[]> {
  const found: (NodeData | null)[] = new Array(paths.length).fill(null);
  let next = 0;
  let chunk = firstChunk;
  const reader = async (): Promise<void> => {
    while (next < paths.length) {
      const begin = next;
      const wanted = paths.slice(begin, begin + chunk);
      next += wanted.length;
      const nodes = await send(multiReadCall(wanted));
      let bytes = 1;
      nodes.forEach((node, i) => {
        found[begin + i] = node;
        bytes += node?.data.length ?? 0;
      });
      const fitting = Math.floor((answerBytes * nodes.length) / bytes);
      chunk = Math.max(1, Math.min(maxChunk, wanted.length * growth, fitting));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, reader));
  return found;
}
