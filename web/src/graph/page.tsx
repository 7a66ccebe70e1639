/** The dependency graph: all jobs, those with a label, or one with its ancestors and descendants. */

import { useQuery } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import type { WireGraph } from '../../../src/api/wire/views.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { graphIn, roundQuery } from '../round/round-query.ts';
import type { Address } from './address.ts';
import { CriticalPath } from './critical-path.tsx';
import type { GraphView } from './draw/graph-view.ts';
import './graph.css';
import { useGraph } from './graph-data.ts';
import { Legend } from './legend.tsx';
import { marksOf } from './marks.ts';
import { type Model, modelOf, partOf } from './model.ts';
import { countsOf } from './notes.ts';
import { Panel } from './panel.tsx';
import { Picture } from './picture.tsx';
import { cardNamed, jobsThat, matches } from './search.ts';
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
  const { round } = address;
  const past = useQuery({ ...roundQuery(address.job ?? '', round ?? ''), enabled: round !== null });
  const shown = useMemo(
    () => (round === null || data === undefined ? data : past.data && graphIn(data, past.data)),
    [round, data, past.data],
  );
  if (isPending || (round !== null && past.isPending))
    return <main className="graph-page" id="main" tabIndex={-1} aria-busy="true" />;
  if (shown === undefined) {
    return (
      <main className="page" id="main" tabIndex={-1}>
        <h1>Graph</h1>
        <ProblemNote error={error ?? past.error} />
        {address.job !== null && <Link href="/graph">Show all jobs</Link>}
      </main>
    );
  }
  return <Shown whole={shown} address={address} change={change} />;
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
  const goToNext = useSteps(found, search, (target) => {
    change({ selected: model.cards[target]!.id });
    goTo(target);
  });
  const choose = (target: number, opened: boolean) => {
    const chosen = model.cards[target];
    if (chosen === undefined) change({ selected: null });
    else if (!opened) change({ selected: chosen.id });
    else if (chosen.isGroup) change({ open: [...open, chosen.title], selected: null });
    else navigate(`/jobs/${chosen.title}`);
  };
  const jobs = useMemo(() => jobsThat(graph, { search, state }), [graph, search, state]);

  return (
    <main className="graph-page" id="main" tabIndex={-1}>
      <h1 className="visually-hidden">Dependency graph</h1>
      <Toolbar
        address={address}
        nodes={whole.nodes}
        change={change}
        found={found === null ? '' : `${found.length} found`}
        onNext={goToNext}
      />
      {graph.nodes.length === 0 ? (
        <Nothing filtered={!isWhole(address)} />
      ) : table ? (
        <GraphTable graph={graph} jobs={jobs} />
      ) : (
        <Picture
          model={model}
          nodes={nodes}
          marks={marks}
          view={view}
          label={
            `Dependency graph of ${graph.nodes.length} jobs. Arrow keys move it, plus and minus zoom. ` +
            'The table view has the same content.'
          }
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

/** True if all jobs are requested: an empty graph then means that there are no jobs. */
const isWhole = ({ job, label, owner }: Address): boolean => job === null && label === null && owner === null;

const Nothing = ({ filtered }: { readonly filtered: boolean }) => (
  <p className="graph-empty">
    {filtered ? (
      <>
        No job matches. <Link href="/graph">Show all jobs</Link>
      </>
    ) : (
      <>
        There are no jobs yet. <Link href="/new">Create the first job</Link>
      </>
    )}
  </p>
);

/** Steps through the search results, starting again with a new search. */
function useSteps(found: readonly number[] | null, search: string, go: (card: number) => void): () => void {
  const last = useRef({ search, at: -1 });
  return () => {
    if (found === null || found.length === 0) return;
    const at = last.current.search === search ? (last.current.at + 1) % found.length : 0;
    last.current = { search, at };
    go(found[at]!);
  };
}

function useModel(graph: WireGraph, group: string | null, open: readonly string[]): Model {
  const opened = open.join('\n');
  const made = useMemo(() => {
    const grouping = group === null ? null : { by: group, open: new Set(opened.split('\n')) };
    return modelOf(graph, grouping);
  }, [graph, group, opened]);
  return useKept(made);
}
