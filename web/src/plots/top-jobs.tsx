/** The slowest or most failing jobs, longest bar first. The list serves as its own table. */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { WireTop } from '../../../src/api/wire/plots.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { duration } from '../parts/time.ts';
import { topQuery } from './queries.ts';

const empty: Record<WireTop['by'], string> = {
  p95: 'No job has run yet.',
  p50: 'No job has run yet.',
  failures: 'No job has failed.',
};

export function TopJobs({ by }: { readonly by: WireTop['by'] }) {
  const { data, error } = useQuery(topQuery(by));
  if (data === undefined)
    return error === null ? <div className="chart-pending" /> : <ProblemNote error={error} />;
  const most = data.items[0]?.value ?? 0;
  if (most === 0) return <p className="empty">{empty[by]}</p>;
  const { items } = data;
  return (
    <ol className={`top-jobs top-${by}`}>
      {items.map((item) => (
        <li key={item.job}>
          <Link href={`/jobs/${item.job}`}>{item.job}</Link>
          <i aria-hidden="true" style={{ width: `${(item.value / most) * 100}%` }} />
          <span>{textOf(by, item)}</span>
        </li>
      ))}
    </ol>
  );
}

function textOf(by: WireTop['by'], { value, succeeded, failed }: WireTop['items'][number]): string {
  return by === 'failures' ? `${value} of ${succeeded + failed}` : duration(value);
}
