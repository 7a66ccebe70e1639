/** Runs the selected runs again, one request after the other, oldest due time first. */

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { WireRun, WireRunList } from '../../../src/api/wire/schema.ts';
import { newKey, rerunRun } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { get, problemOf } from '../data/client.ts';
import { Choices } from '../parts/choices.tsx';
import { Dialog } from '../parts/dialog.tsx';
import type { Selected } from './address.ts';
import { chosenOf } from './rerun-order.ts';
import { areaOf, type GridJob, type Sheet } from './sheet.ts';

/** Runs read per job: as many as the server keeps. */
const mostPerJob = 500;
/** More at once would fill the queues of everything else. */
const mostRuns = 200;
const mostJobs = 100;

interface Props {
  readonly sheet: Sheet;
  readonly selected: Selected;
  readonly onClose: () => void;
}

export function RerunDialog({ sheet, selected, onClose }: Props) {
  const [keys] = useState(() => new Map<string, string>());
  const [done, setDone] = useState(0);
  const [onlyFailed, setOnlyFailed] = useState(true);
  const asked = spanOf(sheet, selected);
  const { data, error } = useQuery({
    queryKey: ['grid-runs', asked?.jobs.map(({ name }) => name), asked?.from, asked?.to],
    queryFn: ({ signal }) => runsOf(asked, signal),
    enabled: asked !== null,
    gcTime: 0,
  });
  const isOne = asked !== null && asked.jobs.length === 1 && data !== undefined && data.length === 1;
  const chosen = chosenOf(data ?? [], asked?.jobs ?? [], { onlyFailed: onlyFailed && !isOne });
  const count = chosen.runs.length;
  const action = useAction({
    run: () => rerunAll(chosen.runs, keys, setDone),
    said: ({ again, refused }) =>
      refused === null
        ? { tone: 'good', text: `${again} ${again === 1 ? 'run runs' : 'runs run'} again.` }
        : { tone: 'bad', text: `${again} of ${count} run again. Then the server refused: ${refused}` },
    onDone: onClose,
  });
  return (
    <Dialog
      title={isOne ? 'Run it again' : 'Run the selected runs again'}
      doing={count === 0 ? undefined : `Run ${count} again`}
      ready={count > 0 && count <= mostRuns}
      busy={action.isPending}
      error={error ?? action.error}
      closing={count === 0 ? 'Close' : 'Cancel'}
      onDo={() => action.mutate()}
      onClose={onClose}
    >
      {!isOne && (
        <Choices
          className="segments"
          name="Which runs"
          choices={[
            ['failed', 'Those that did not succeed'],
            ['all', 'All that have ended'],
          ]}
          isChosen={(which) => (which === 'failed') === onlyFailed}
          onChoose={(which) => setOnlyFailed(which === 'failed')}
        />
      )}
      <ul className="consequences">
        {data === undefined && error === null && <li>Reading the runs …</li>}
        {data !== undefined && count === 0 && <li>None of the selected runs can be run again.</li>}
        {count > 0 && (
          <li>
            {count === 1 ? 'A new run' : `${count} new runs`} for the same due times, oldest first, with the
            current definitions.
          </li>
        )}
        {count > 0 && (
          <li>
            Dependent jobs follow when they have ended
            {chosen.follow > 0 && `, ${chosen.follow} of the selected runs among them`}.
          </li>
        )}
        {count > mostRuns && <li>That is more than {mostRuns} at once. Select fewer.</li>}
        {action.isPending && count > 1 && (
          <li>
            {done} of {count} requested.
          </li>
        )}
      </ul>
    </Dialog>
  );
}

interface Asked {
  readonly jobs: readonly GridJob[];
  readonly from: number;
  readonly to: number;
}

function spanOf(sheet: Sheet, selected: Selected): Asked | null {
  const area = areaOf(sheet, selected);
  const first = area && sheet.columns[area.from.column];
  const last = area && sheet.columns[area.to.column];
  if (area == null || first == null || last == null) return null;
  const jobs = sheet.rows
    .slice(area.from.row, area.to.row + 1)
    .flatMap((row) => (row.kind === 'job' ? [row.job] : []));
  return { jobs: jobs.slice(0, mostJobs), from: first.from, to: last.to };
}

async function runsOf(asked: Asked | null, signal: AbortSignal): Promise<WireRun[]> {
  const runs: WireRun[] = [];
  for (const { name } of asked?.jobs ?? []) {
    const span = {
      from: new Date(asked?.from ?? 0).toISOString(),
      to: new Date(asked?.to ?? 0).toISOString(),
    };
    const page = await get<WireRunList>('/runs', { job: name, ...span, limit: mostPerJob }, signal);
    runs.push(...page.items);
  }
  return runs;
}

/** Stops at the first refusal. Repeating it repeats no run that was accepted. */
async function rerunAll(
  runs: readonly WireRun[],
  keys: Map<string, string>,
  onProgress: (done: number) => void,
): Promise<{ readonly again: number; readonly refused: string | null }> {
  for (const [index, { id }] of runs.entries()) {
    const key = keys.get(id) ?? newKey();
    keys.set(id, key);
    try {
      await rerunRun(id, key);
    } catch (error) {
      if (index === 0) throw error;
      return { again: index, refused: problemOf(error).detail };
    }
    onProgress(index + 1);
  }
  return { again: runs.length, refused: null };
}
