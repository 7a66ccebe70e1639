/** A job with what it waits for and what waits for it, small, for its page. */

import { useMemo, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { ProblemNote } from '../parts/problem-note.tsx';
import type { GraphView } from './draw/graph-view.ts';
import './graph.css';
import { useGraph } from './graph-data.ts';
import { marksOf } from './marks.ts';
import { modelOf } from './model.ts';
import { Picture } from './picture.tsx';
import { useKept } from './use-kept.ts';

/** Further relatives make the cards too small; the graph page has them. */
const depth = 2;

export default function Neighbourhood({ name }: { readonly name: string }) {
  const { data, error } = useGraph({ job: name, depth });
  const view = useRef<GraphView | null>(null);
  const [, navigate] = useLocation();
  const made = useMemo(() => (data === undefined ? null : modelOf(data, null)), [data]);
  const model = useKept(made);
  const nodes = useMemo(() => new Map(data?.nodes.map((node) => [node.name, node])), [data]);
  const marks = useMemo(() => {
    if (model === null) return null;
    // The job itself is marked, and nothing steps back behind it: all that is shown hangs on it.
    const all = marksOf(model, nodes, { selected: -1, state: null, found: null });
    return { ...all, selected: model.cardOf.get(name) ?? -1 };
  }, [model, nodes, name]);
  if (error !== null && data === undefined) return <ProblemNote error={error} />;
  if (model === null || marks === null) return <div className="graph-small" aria-busy="true" />;
  if (model.cards.length === 1) {
    return <p className="muted">It waits for no other job, and no other job waits for it.</p>;
  }
  return (
    <>
      <div className="graph-small">
        <Picture
          model={model}
          nodes={nodes}
          marks={marks}
          view={view}
          label={`${name} and the jobs up to ${depth} steps before and behind it. Their names are listed below.`}
          onChoose={(card) => {
            const job = model.cards[card]?.title;
            if (job !== undefined && job !== name) navigate(`/jobs/${job}`);
          }}
        />
      </div>
      <p className="graph-small-foot">
        <Link href={`/graph?job=${name}&sel=${name}`}>Show it in the graph</Link>
      </p>
    </>
  );
}
