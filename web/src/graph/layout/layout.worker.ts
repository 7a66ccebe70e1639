/** Lays out in a worker, so that a page with ten thousand jobs stays responsive. */

import type { Edges } from './adjacency.ts';
import { layOut } from './layout.ts';

export interface LayoutRequest {
  readonly count: number;
  readonly edges: Edges;
}

addEventListener('message', ({ data }: MessageEvent<LayoutRequest>) => {
  const layout = layOut(data.count, data.edges);
  postMessage(layout, {
    transfer: [layout.x, layout.y, layout.steps, layout.before, layout.last].map(({ buffer }) => buffer),
  });
});
