/** The neighbourhood of a job as a small graph, for its page. */

import { useMemo, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { ProblemNote } from '../parts/problem-note.tsx';
import type { GraphView } from './draw/graph-view.ts';
import './graph.css';
import { useGraph } from './graph-data.ts';
import { marksOf } from './marks.ts';
import { type Card, modelOf, neighboursOf } from './model.ts';
import { Picture } from './picture.tsx';
import { useKept } from './use-kept.ts';

/** More distant relatives would make the cards too small; the graph page shows them. */
const depth = 2;
/** If the whole picture would be smaller than this, it centres on the job. */
const readable = 0.6;
/**
 * With more nodes on one side, a centred view would show only edges; then everything is shown, however small.
 */
const mostBeside = 10;

export default function Neighbourhood({ name }: { readonly name: string }) {
  const { data, error } = useGraph({ job: name, depth });
  const view = useRef<GraphView | null>(null);
  const [, navigate] = useLocation();
  const made = useMemo(() => (data === undefined ? null : modelOf(data, null)), [data]);
  const model = useKept(made);
  const nodes = useMemo(() => new Map(data?.nodes.map((node) => [node.name, node])), [data]);
  const marks = useMemo(() => {
    if (model === null) return null;
    // Marks the job but dims nothing, because everything shown is related to it.
    const all = marksOf(model, nodes, { selected: -1, state: null, found: null });
    return { ...all, selected: model.cardOf.get(name) ?? -1 };
  }, [model, nodes, name]);
  if (error !== null && data === undefined) return <ProblemNote error={error} />;
  if (model === null || marks === null) return <div className="graph-small" aria-busy="true" />;
  if (model.cards.length === 1) {
    return <p className="muted">This job has no parents and no children.</p>;
  }
  const card = model.cardOf.get(name) ?? -1;
  const { parents, children } = neighboursOf(model, card);
  return (
    <>
      <div className="graph-small">
        <Picture
          model={model}
          nodes={nodes}
          marks={marks}
          view={view}
          label={
            `${name} and the jobs up to ${depth} steps before and after it; its parents and children are ` +
            'listed below.'
          }
          onShown={() => {
            const near = Math.max(parents.length, children.length) <= mostBeside;
            if (near && (view.current?.camera.scale ?? 1) < readable) view.current?.centreOn(card);
          }}
          onChoose={(chosen) => {
            const job = model.cards[chosen]?.title;
            if (job !== undefined && job !== name) navigate(`/jobs/${job}`);
          }}
        />
      </div>
      <dl className="graph-facts graph-small-foot">
        <Names title="Parents" cards={parents} />
        <Names title="Children" cards={children} />
      </dl>
      <p className="graph-small-foot">
        <Link href={`/graph?job=${name}&sel=${name}`}>Show in graph</Link>
      </p>
    </>
  );
}

function Names({ title, cards }: { readonly title: string; readonly cards: readonly Card[] }) {
  if (cards.length === 0) return null;
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {cards.map(({ id }, i) => (
          <span key={id}>
            {i > 0 && ', '}
            <Link href={`/jobs/${id}`}>{id}</Link>
          </span>
        ))}
      </dd>
    </div>
  );
}
