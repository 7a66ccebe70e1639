/** The dependency graph: all jobs, those with a label, or one with all it waits for and all that waits for it. */

import { useEffect, useMemo, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import type { WireGraph, WireGraphNode } from '../../../src/api/schema-views.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { duration } from '../parts/time.ts';
import type { Address } from './address.ts';
import type { GraphView } from './draw/graph-view.ts';
import './graph.css';
import { useGraph } from './graph-data.ts';
import { Legend } from './legend.tsx';
import { marksOf } from './marks.ts';
import { type Model, modelOf, partOf } from './model.ts';
import { countsOf } from './notes.ts';
import { Panel } from './panel.tsx';
import { Picture } from './picture.tsx';
import { standingOf } from './state.ts';
import { GraphTable } from './table.tsx';
import { Toolbar } from './toolbar.tsx';
import { useAddress } from './use-address.ts';
import { useKept } from './use-kept.ts';

export default function GraphPage() {
  const [address, change] = useAddress();
  usePageTitle(address.job === null ? 'Graph' : `Graph of ${address.job}`);
  const { data, error, isPending } = useGraph({
    job: address.job ?? undefined,
    depth: address.depth ?? undefined,
    label: address.label ?? undefined,
  });
  if (isPending) return <main className="graph-page" id="main" aria-busy="true" />;
  if (data === undefined) {
    return (
      <main className="page" id="main">
        <h1>Graph</h1>
        <ProblemNote error={error} />
        {address.job !== null && <Link href="/graph">Show all jobs</Link>}
      </main>
    );
  }
  return <Shown whole={data} address={address} change={change} />;
}

interface ShownProps {
  readonly whole: WireGraph;
  readonly address: Address;
  readonly change: ReturnType<typeof useAddress>[1];
}

function Shown({ whole, address, change }: ShownProps) {
  const [, navigate] = useLocation();
  const view = useRef<GraphView | null>(null);
  const { owner, group, open, selected, search, state, table } = address;
  const graph = useMemo(
    () => (owner === null ? whole : partOf(whole, (node) => node.owner === owner)),
    [whole, owner],
  );
  const nodes = useMemo(() => new Map(graph.nodes.map((node) => [node.name, node])), [graph]);
  const model = useModel(graph, group, open);
  const counts = useMemo(() => countsOf(graph.nodes), [graph]);
  const found = useMemo(() => matches(model, search), [model, search]);
  const card = selected === null ? -1 : cardNamed(model, selected);
  const marks = useMemo(
    () => marksOf(model, nodes, { selected: card, state, found }),
    [model, nodes, card, state, found],
  );

  const goTo = (target: number) => {
    if (target >= 0) view.current?.centreOn(target);
  };
  const select = (id: string | null) => {
    change({ selected: id });
    if (id !== null) goTo(cardNamed(model, id));
  };
  const next = useRef(-1);
  const goToNext = () => {
    if (found === null || found.length === 0) return;
    next.current = (next.current + 1) % found.length;
    const target = found[next.current]!;
    change({ selected: model.cards[target]!.id });
    goTo(target);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: another search begins at its first match
  useEffect(() => {
    next.current = -1;
  }, [search]);

  const choose = (target: number, opened: boolean) => {
    const chosen = model.cards[target];
    if (chosen === undefined) change({ selected: null });
    else if (!opened) change({ selected: chosen.id });
    else if (chosen.isGroup) change({ open: [...open, chosen.title], selected: null });
    else navigate(`/jobs/${chosen.title}`);
  };
  const jobs = useMemo(() => tableRows(graph, { search, state }), [graph, search, state]);

  return (
    <main className="graph-page" id="main">
      <h1 className="visually-hidden">Dependency graph</h1>
      <Toolbar
        address={address}
        nodes={whole.nodes}
        change={change}
        found={found === null ? '' : `${found.length} found`}
        onNext={goToNext}
      />
      {graph.nodes.length === 0 ? (
        <p className="graph-empty">
          No job passes. <Link href="/graph">Show all jobs</Link>
        </p>
      ) : table ? (
        <GraphTable graph={graph} jobs={jobs} />
      ) : (
        <Picture
          model={model}
          nodes={nodes}
          marks={marks}
          view={view}
          label={`Dependency graph of ${graph.nodes.length} jobs. Arrow keys move it, plus and minus zoom. The same is there as a table.`}
          onChoose={choose}
          onShown={() => goTo(card)}
        />
      )}
      <footer className="graph-footer">
        <Legend counts={counts} chosen={state} onChoose={(chosen) => change({ state: chosen })} />
        {open.length > 0 && (
          <button type="button" className="button button-small" onClick={() => change({ open: [] })}>
            Close all groups
          </button>
        )}
        <CriticalPath graph={graph} onSelect={select} />
      </footer>
      {!table && card >= 0 && (
        <Panel
          card={card}
          model={model}
          nodes={nodes}
          onSelect={select}
          onAround={(job) => change({ job, depth: null, group: null, open: [], selected: job })}
          onOpenGroup={(opened) => change({ open: [...open, opened], selected: null })}
        />
      )}
    </main>
  );
}

function useModel(graph: WireGraph, group: string | null, open: readonly string[]): Model {
  const opened = open.join('\n');
  const made = useMemo(() => {
    const grouping = group === null ? null : { by: group, open: new Set(opened.split('\n')) };
    return modelOf(graph, grouping);
  }, [graph, group, opened]);
  return useKept(made);
}

/** The card of this id, or the one that holds the job of this name; -1 when there is none. */
const cardNamed = ({ cards, cardOf }: Model, id: string): number =>
  cardOf.get(id) ?? cards.findIndex((each) => each.id === id);

function matches({ cards }: Model, search: string): number[] | null {
  const text = search.trim().toLowerCase();
  if (text === '') return null;
  const hit = (name: string) => name.toLowerCase().includes(text);
  return [...cards.keys()].filter((i) => hit(cards[i]!.title) || cards[i]!.jobs.some(hit));
}

function tableRows(
  { nodes }: WireGraph,
  { search, state }: Pick<Address, 'search' | 'state'>,
): readonly WireGraphNode[] {
  const text = search.trim().toLowerCase();
  return nodes.filter(
    (node) => node.name.toLowerCase().includes(text) && (state === null || standingOf(node) === state),
  );
}

function CriticalPath({
  graph,
  onSelect,
}: {
  readonly graph: WireGraph;
  readonly onSelect: (job: string) => void;
}) {
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
