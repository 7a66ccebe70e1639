/** Lays a graph out: immediately if that is faster than starting a worker, otherwise in a worker. */

import type { Edges } from './adjacency.ts';
import { type Layout, layOut } from './layout.ts';
import type { LayoutRequest } from './layout.worker.ts';

/** Nodes and edges whose layout takes about as long as starting a worker: some ten milliseconds. */
const smallGraph = 1_200;

/** Rejects with the signal's reason on abort, and terminates the worker. */
export function layOutAside(count: number, edges: Edges, signal: AbortSignal): Promise<Layout> {
  if (count + edges.from.length <= smallGraph) return Promise.resolve(layOut(count, edges));
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });
    const end = () => worker.terminate();
    signal.addEventListener('abort', () => {
      end();
      reject(signal.reason);
    });
    worker.onmessage = ({ data }: MessageEvent<Layout>) => {
      end();
      resolve(data);
    };
    worker.onerror = (event) => {
      end();
      reject(new Error(`The layout failed: ${event.message}`));
    };
    worker.postMessage({ count, edges } satisfies LayoutRequest);
  });
}
