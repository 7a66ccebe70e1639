/** One round: the jobs that ran in it as a graph and in time, what its end waited for, and another round beside it. */

import { useQuery } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import { Link } from 'wouter';
import type { WireRound } from '../../../src/api/wire/grid.ts';
import type { GraphView } from '../graph/draw/graph-view.ts';
import '../graph/graph.css';
import { graphQuery } from '../graph/graph-data.ts';
import { marksOf } from '../graph/marks.ts';
import { type Model, modelOf } from '../graph/model.ts';
import { Picture } from '../graph/picture.tsx';
import { useKept } from '../graph/use-kept.ts';
import { Icon } from '../parts/icon.tsx';
import { Exact } from '../parts/instant.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { RunMark } from '../parts/state-mark.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { dateTime, duration } from '../parts/time.ts';
import { RoundGantt } from './gantt.tsx';
import { graphIn, roundPath, roundQuery } from './round-query.ts';
import './round.css';
import { extentOf, isOfSchedule, longerBy, type Span, slower, spansOf } from './spans.ts';

export default function RoundPage({ name, due }: { readonly name: string; readonly due: string }) {
  usePageTitle(`Round of ${name}`);
  const { data, error } = useQuery(roundQuery(name, due));
  const [parameters, change] = useQueryState();
  const beside = parameters.get('with');
  const { data: other, error: otherError } = useQuery({
    ...roundQuery(name, beside ?? ''),
    enabled: beside !== null,
  });
  return (
    <main className="page" id="main" tabIndex={-1} aria-busy={data === undefined && error === null}>
      <div className="page-head">
        <h1>Round of {name}</h1>
        {data !== undefined && (
          <Around round={data} beside={beside} onBeside={(chosen) => change({ with: chosen })} />
        )}
      </div>
      {data === undefined && error !== null && <ProblemNote error={error} />}
      {otherError !== null && <ProblemNote error={otherError} />}
      {data !== undefined && <Shown round={data} other={beside === null ? null : (other ?? null)} />}
    </main>
  );
}

interface AroundProps {
  readonly round: WireRound;
  readonly beside: string | null;
  readonly onBeside: (due: string | null) => void;
}

function Around({ round, beside, onBeside }: AroundProps) {
  const [before] = round.before;
  return (
    <div className="actions">
      <Exact at={round.due} />
      {before !== undefined && (
        <Link href={roundPath(round.job, before)} className="button button-small" aria-label="Round before">
          <Icon name="left" />
        </Link>
      )}
      {round.after !== null && (
        <Link
          href={roundPath(round.job, round.after)}
          className="button button-small"
          aria-label="Round after"
        >
          <Icon name="right" />
        </Link>
      )}
      <select
        className="select round-with"
        aria-label="Compare with another round"
        value={beside ?? ''}
        onChange={({ target }) => onBeside(target.value === '' ? null : target.value)}
      >
        <option value="">compare with …</option>
        {beside !== null && !round.before.includes(beside) && (
          <option value={beside}>{dateTime(Date.parse(beside))}</option>
        )}
        {round.before.map((due) => (
          <option key={due} value={due}>
            {dateTime(Date.parse(due))}
          </option>
        ))}
      </select>
      <Link href={`/grid?root=${encodeURIComponent(round.job)}`}>Grid</Link>
      <Link href={`/graph?job=${encodeURIComponent(round.job)}&round=${encodeURIComponent(round.due)}`}>
        Graph
      </Link>
    </div>
  );
}

function Shown({ round, other }: { readonly round: WireRound; readonly other: WireRound | null }) {
  const spans = useMemo(() => spansOf(round), [round]);
  const others = useMemo(
    () => (other === null ? null : new Map(spansOf(other).map((span) => [span.name, span]))),
    [other],
  );
  const { jobs, totalMs } = round.criticalPath;
  const longer = others === null ? [] : slower(spans, others);
  return (
    <div className="round-body">
      <p>
        {summaryOf(spans)}
        {jobs.length > 0 && (
          <>
            {' '}
            It took {duration(totalMs)}
            {isOfSchedule(spans) && ' from its due time'}. Its end waited for <b>{jobs.join(' → ')}</b>.
          </>
        )}
      </p>
      {other !== null && (
        <p>
          Compared with <Exact at={other.due} />:{' '}
          {longer.length === 0
            ? 'no job took longer.'
            : `${longer
                .slice(0, 5)
                .map(({ name, ms }) => `${name} took ${duration(ms)} longer`)
                .join(', ')}${longer.length > 5 ? `, and ${longer.length - 5} more` : ''}.`}
        </p>
      )}
      <Panel title="In time">
        <div className="panel-body">
          <RoundGantt spans={spans} path={jobs} extent={extentOf(spans, Date.parse(round.due))} />
        </div>
      </Panel>
      <Panel title="Graph">
        <RoundGraph round={round} />
      </Panel>
      <Panel title="Runs">
        <RunTable spans={spans} others={others} />
      </Panel>
    </div>
  );
}

function summaryOf(spans: readonly Span[]): string {
  const counts = new Map<string, number>();
  for (const { run } of spans) {
    const state = run?.state ?? 'without a run';
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return `${[...counts].map(([state, count]) => `${count} ${state}`).join(', ')}.`;
}

function RoundGraph({ round }: { readonly round: WireRound }) {
  const { data } = useQuery(graphQuery({ job: round.job }));
  const view = useRef<GraphView | null>(null);
  const graph = useMemo(() => (data === undefined ? null : graphIn(data, round)), [data, round]);
  const made = useMemo(() => (graph === null ? null : modelOf(graph, null)), [graph]);
  const model = useKept(made);
  const nodes = useMemo(() => new Map(graph?.nodes.map((node) => [node.name, node])), [graph]);
  const marks = useMemo(() => {
    if (model === null) return null;
    const all = marksOf(model, nodes, { selected: -1, state: null, found: null });
    return { ...all, edges: edgesAlong(model, round.criticalPath.jobs) };
  }, [model, nodes, round]);
  if (model === null || marks === null) return <div className="graph-small" aria-busy="true" />;
  return (
    <div className="graph-small">
      <Picture
        model={model}
        nodes={nodes}
        marks={marks}
        view={view}
        label={`The ${model.cards.length} jobs of the round; the table below has the same data.`}
        onChoose={() => undefined}
      />
    </div>
  );
}

/** The edges between the jobs of the path. */
function edgesAlong({ edges, cardOf }: Model, path: readonly string[]): number[] {
  const steps = new Set(
    path.slice(1).map((name, index) => `${cardOf.get(path[index] ?? '')} ${cardOf.get(name)}`),
  );
  return [...edges.from.keys()].filter((edge) => steps.has(`${edges.from[edge]} ${edges.to[edge]}`));
}

interface TableProps {
  readonly spans: readonly Span[];
  readonly others: ReadonlyMap<string, Span> | null;
}

function RunTable({ spans, others }: TableProps) {
  return (
    <TableScroll>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">State</th>
            <th scope="col">Started</th>
            <th scope="col" className="number">
              Waited
            </th>
            <th scope="col" className="number">
              Took
            </th>
            {others !== null && (
              <th scope="col" className="number">
                Difference
              </th>
            )}
            <th scope="col">Critical path</th>
          </tr>
        </thead>
        <tbody>
          {spans.map((span) => (
            <tr key={span.name}>
              <th scope="row">
                <Link href={span.run === null ? `/jobs/${span.name}` : `/runs/${span.run.id}`}>
                  {span.name}
                </Link>
              </th>
              <td>{span.run === null ? 'no run' : <RunMark state={span.run.state} />}</td>
              <td>{span.start === null ? '–' : <Exact at={new Date(span.start).toISOString()} />}</td>
              <td className="number">
                {span.start === null || span.ready === null
                  ? '–'
                  : duration(Math.max(0, span.start - span.ready))}
              </td>
              <td className="number">{duration(span.tookMs)}</td>
              {others !== null && <td className="number">{difference(longerBy(span, others))}</td>}
              <td>{span.isCritical ? 'yes' : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}

function difference(ms: number | null): string {
  if (ms === null) return '–';
  return `${ms < 0 ? '−' : '+'}${duration(ms)}`;
}
