/** The grid: how many jobs did in many rounds or days. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { Graph } from '../../../dag/graph.ts';
import { type Placed, treeOrder } from '../../../dag/order.ts';
import { reach } from '../../../dag/reach.ts';
import type { JobView } from '../../../scheduler/handle.ts';
import { oneOf } from '../../../scheduler/job/definition.ts';
import { hasLine } from '../../../scheduler/model/ids.ts';
import {
  type Cell,
  type Column,
  cellsOf,
  daysBetween,
  type JobPast,
  newestDue,
  roundsAt,
} from '../../../scheduler/read/grid.ts';
import { type Zone, zoneOf } from '../../../scheduler/schedule/zone.ts';
import { resolveZoneName } from '../../../scheduler/schedule/zone-name.ts';
import { type ApiContext, type Reading, readingFor } from '../../context.ts';
import { answers, labelFilter, query, span } from '../../endpoint.ts';
import { pastOfJobs } from '../../lists/grid-past.ts';
import { jobsThat } from '../../lists/job-filter.ts';
import { sendLong } from '../../long-answer.ts';
import { EMPTY_CELL, type WireGrid as Grid, gridLetters, UNKNOWN_CELL, WireGrid } from '../../wire/grid.ts';
import { iso, readSpan } from '../../wire/instants.ts';
import { apiLimits } from '../../wire/limits.ts';
import { ref } from '../../wire/shape.ts';
import { labelsToWire } from '../../wire/to-wire.ts';

const usualColumns = { rounds: 50, days: 31 } as const;

const GridQuery = query({
  root: Type.Optional(
    Type.String({ maxLength: 128, description: 'This job with all jobs that depend on it.' }),
  ),
  q: Type.Optional(Type.String({ maxLength: 256, description: 'Part of the name, description or owner.' })),
  owner: Type.Optional(Type.String({ maxLength: 256, description: 'Owner of the jobs.' })),
  label: labelFilter,
  by: Type.Optional(
    oneOf(['rounds', 'days'], {
      description:
        'rounds: a column for each due time of the selected jobs that have no parent among them, and of each ' +
        'start by a user; it lasts until the next one. days: a column for each day. Default: rounds.',
    }),
  ),
  timezone: Type.Optional(Type.String({ maxLength: 64, description: 'Zone of the days. Default: UTC.' })),
  ...span,
  columns: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: apiLimits.gridColumns,
      description:
        'Maximum number of columns, the newest before `to`. ' +
        `Default: ${usualColumns.rounds} rounds or ${usualColumns.days} days.`,
    }),
  ),
  skip: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      description: `Number of selected jobs to leave out before those shown, of which there are at most ${apiLimits.gridJobs}. Default: 0.`,
    }),
  ),
});
type Asked = Static<typeof GridQuery>;

export function gridRoute(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Asked }>(
    '/grid',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read how many jobs did in many rounds or days',
        description: 'Due times up to now, from the ledger and the runs.',
        tags: ['runs'],
        operationId: 'getGrid',
        querystring: GridQuery,
        response: answers({ 200: { description: 'Jobs, columns and cells', schema: ref(WireGrid) } }, [
          'JOB_NOT_FOUND',
          'UNKNOWN_TIMEZONE',
        ]),
      },
    },
    async (request, reply) =>
      sendLong(reply, context, await grid(readingFor(context, request), request.query)),
  );
}

async function grid(reading: Reading, asked: Asked): Promise<Grid> {
  const { scheduler, turns } = reading;
  const { by = 'rounds', timezone = 'UTC', skip = 0 } = asked;
  const zone = zoneOf(resolveZoneName(timezone, 'timezone').id);
  const views = await viewsThat(reading, asked);
  const { order, graph } = await ordered(reading, views);
  const shown = order.slice(skip, skip + apiLimits.gridJobs);
  const names = shown.map(({ name }) => name);
  const within = new Set(names);
  const roots = names.filter((name) => !graph.parentsOf(name).some((parent) => within.has(parent)));
  const { columns, pasts, manual, more } = await (by === 'days'
    ? inDays(reading, names, { asked, zone })
    : inRounds(reading, names, { asked, roots: new Set(roots) }));
  const cells: Cell[][] = [];
  for (const past of pasts) cells.push(await turns.drive(cellsOf(past, columns)));
  const isByDay = by === 'days';
  return {
    at: iso(scheduler.now()),
    by,
    timezone: zone.id,
    total: order.length,
    jobs: shown.flatMap((placed) => {
      const view = views.get(placed.name);
      return view === undefined ? [] : [jobToWire(placed, view, graph)];
    }),
    columns: columns.map(({ from, to }) => ({
      from: iso(from),
      to: isByDay ? iso(to) : null,
      manual: manual.has(from),
    })),
    cells: cells.map((row) => row.map(letterOf).join('')),
    letters: Object.fromEntries(Object.entries(gridLetters).map(([state, letter]) => [letter, state])),
    counts: isByDay ? cells.map((row) => row.map(({ count }) => count)) : null,
    worst: isByDay ? cells.map((row) => row.map(({ worst }) => worst)) : null,
    earlier: more && columns[0] !== undefined ? iso(columns[0].from) : null,
  };
}

/** JOB_NOT_FOUND. */
async function viewsThat(reading: Reading, asked: Asked): Promise<ReadonlyMap<string, JobView>> {
  const { root, q, owner, label } = asked;
  const related = root === undefined ? null : await below(reading, root);
  const filter = {
    ...(q !== undefined && { q }),
    ...(owner !== undefined && { owner }),
    ...(label !== undefined && { label }),
  };
  const views = new Map<string, JobView>();
  for await (const view of jobsThat(reading, filter))
    if (related === null || related.has(view.job.name)) views.set(view.job.name, view);
  return views;
}

/** JOB_NOT_FOUND. */
function below({ scheduler, turns }: Reading, root: string): Promise<ReadonlySet<string>> {
  const { name } = scheduler.job(root).job;
  const { childrenOf } = scheduler.reader();
  function* descendants(): Generator<void, ReadonlySet<string>> {
    const found = new Set([name]);
    for (const each of reach(name, childrenOf)) {
      found.add(each);
      yield;
    }
    return found;
  }
  return turns.drive(descendants());
}

/** The jobs in the order of a tree, with the edges between them. */
async function ordered(
  { turns }: Reading,
  views: ReadonlyMap<string, JobView>,
): Promise<{ order: readonly Placed[]; graph: Graph }> {
  const graph = new Graph();
  await turns.each([...views.values()], ({ job, parents }) => {
    const within = parents.filter((parent) => views.has(parent));
    if (within.length > 0) graph.setParents(job.name, within);
  });
  return { order: await turns.drive(treeOrder(graph, views.keys())), graph };
}

interface Read {
  readonly columns: readonly Column[];
  readonly pasts: readonly JobPast[];
  /** Due times of columns that only starts by users have. */
  readonly manual: ReadonlySet<number>;
  /** There may be columns before these. */
  readonly more: boolean;
}

async function inDays(
  reading: Reading,
  names: readonly string[],
  { asked, zone }: { readonly asked: Asked; readonly zone: Zone },
): Promise<Read> {
  const { fromMs = Number.NEGATIVE_INFINITY, toMs = reading.scheduler.now() + 1 } = readSpan(asked);
  const most = asked.columns ?? usualColumns.days;
  const columns = daysBetween(zone, { from: fromMs, to: toMs, most });
  const [first, last] = [columns[0], columns.at(-1)];
  const pasts =
    first === undefined || last === undefined
      ? []
      : await pastOfJobs(reading, names, { fromMs: first.from, toMs: last.to });
  return { columns, pasts, manual: new Set(), more: first !== undefined && first.from > fromMs };
}

async function inRounds(
  reading: Reading,
  names: readonly string[],
  { asked, roots }: { readonly asked: Asked; readonly roots: ReadonlySet<string> },
): Promise<Read> {
  const { turns } = reading;
  const { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER } = readSpan(asked);
  const most = asked.columns ?? usualColumns.rounds;
  const range = { from: fromMs, to: toMs, most };
  // The newest due times of the roots say how far back the others are read.
  const found = new Set<number>();
  for (const past of await pastOfJobs(reading, [...roots], { fromMs, toMs, most }))
    for (const due of await turns.drive(newestDue(past, range))) found.add(due);
  const start = [...found].sort((a, b) => b - a)[most - 1] ?? fromMs;
  const pasts = await pastOfJobs(reading, names, { fromMs: start, toMs });
  const scheduled = new Set<number>();
  const dues = new Set<number>();
  for (const [index, past] of pasts.entries()) {
    for (const { due, lineage } of past.runs) if (lineage === 'manual') dues.add(due);
    if (!roots.has(names[index] as string)) continue;
    const unnamed = { ...past, runs: past.runs.filter(hasLine) };
    for (const due of await turns.drive(newestDue(unnamed, range))) scheduled.add(due);
    for (const { due } of past.runs) dues.add(due);
  }
  const columns = roundsAt([...dues, ...scheduled]);
  const shown = columns.slice(-most);
  const manual = new Set(shown.map(({ from }) => from).filter((due) => !scheduled.has(due)));
  return { columns: shown, pasts, manual, more: columns.length > most || found.size >= most };
}

function jobToWire({ name, level }: Placed, view: JobView, graph: Graph): Grid['jobs'][number] {
  const { labels } = labelsToWire(view.job);
  return { name, level, parents: [...graph.parentsOf(name)], labels, status: view.status };
}

function letterOf({ state, known, again }: Cell): string {
  if (!known) return UNKNOWN_CELL;
  if (state === null) return EMPTY_CELL;
  return again ? gridLetters[state].toUpperCase() : gridLetters[state];
}
