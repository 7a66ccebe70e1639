/** A job with what it waits for and what waits for it, small, for its page. */

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

/** Further relatives make the cards too small; the graph page has them. */
const depth = 2;
/** Where all of it would be smaller, the job itself is looked at. */
const readable = 0.6;
/** With more on one side, nothing but edges would be around it: then all of it is shown, however small. */
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
    // The job itself is marked, and nothing steps back behind it: all that is shown hangs on it.
    const all = marksOf(model, nodes, { selected: -1, state: null, found: null });
    return { ...all, selected: model.cardOf.get(name) ?? -1 };
  }, [model, nodes, name]);
  if (error !== null && data === undefined) return <ProblemNote error={error} />;
  if (model === null || marks === null) return <div className="graph-small" aria-busy="true" />;
  if (model.cards.length === 1) {
    return <p className="muted">It waits for no other job, and no other job waits for it.</p>;
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
          label={`${name} and the jobs up to ${depth} steps before and behind it; its parents and children are listed below.`}
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
        <Names title="Waits for" cards={parents} />
        <Names title="Then run" cards={children} />
      </dl>
      <p className="graph-small-foot">
        <Link href={`/graph?job=${name}&sel=${name}`}>Show it in the graph</Link>
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
