/** The critical path as a line of jobs. */

import type { WireGraph } from '../../../src/api/wire/views.ts';
import { duration } from '../parts/time.ts';

interface CriticalPathProps {
  readonly graph: WireGraph;
  readonly onSelect: (job: string) => void;
}

export function CriticalPath({ graph, onSelect }: CriticalPathProps) {
  const { jobs, p50Ms } = graph.criticalPath;
  const end = jobs.at(-1);
  if (end === undefined || p50Ms === 0 || jobs.length < 2) return null;
  return (
    <p className="graph-critical">
      The longest chain takes {duration(p50Ms)}: {jobs.length} jobs up to{' '}
      <button type="button" className="link" onClick={() => onSelect(end)}>
        {end}
      </button>
    </p>
  );
}
