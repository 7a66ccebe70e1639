/** Kills an unfinished run, or repeats an ended one. */

import { useState } from 'react';
import { useLocation } from 'wouter';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import { useMayOn } from '../access/may.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Exact } from '../parts/instant.tsx';
import { killRun, newKey, rerunRun } from './requests.ts';
import { useAction } from './use-action.ts';

const reportCodes = new Set(['awaits-report', 'not-reported']);

/** Somebody else runs it. */
const isReported = ({ attempts, why }: WireRun): boolean =>
  attempts.at(-1)?.engine === 'external' || (why !== null && reportCodes.has(why.code));

export function RunActions({ run }: { readonly run: WireRun }) {
  const [asked, setAsked] = useState(false);
  const close = () => setAsked(false);
  const ended = run.endedAt !== null;
  const mayOperate = useMayOn('operate', run.job);
  if (isReported(run) || !mayOperate) return null;
  return (
    <div className="actions">
      {ended ? (
        <button type="button" className="button button-primary" onClick={() => setAsked(true)}>
          <Icon name="again" /> Run again
        </button>
      ) : (
        <button
          type="button"
          className="button button-danger"
          onClick={() => setAsked(true)}
          disabled={run.kill !== null}
        >
          <Icon name="stop" /> {run.kill === null ? 'Kill' : 'Being killed'}
        </button>
      )}
      {asked &&
        (ended ? <RerunDialog run={run} onClose={close} /> : <KillDialog run={run} onClose={close} />)}
    </div>
  );
}

interface Props {
  readonly run: WireRun;
  readonly onClose: () => void;
}

function KillDialog({ run, onClose }: Props) {
  const action = useAction({
    run: () => killRun(run.id),
    said: () => ({ tone: 'good', text: `The run of ${run.job} is being killed.` }),
    onDone: onClose,
  });
  return (
    <Dialog
      title="Kill this run"
      doing="Kill"
      danger
      closing="Keep running"
      busy={action.isPending}
      error={action.error}
      onDo={() => action.mutate()}
      onClose={onClose}
    >
      <ul className="consequences">
        <li>
          <code>{run.id}</code> receives TERM, then KILL if it does not exit.
        </li>
        <li>The run ends as killed: it is not retried, and jobs that wait for its success do not run.</li>
      </ul>
    </Dialog>
  );
}

function RerunDialog({ run, onClose }: Props) {
  const [key] = useState(newKey);
  const [, navigate] = useLocation();
  const action = useAction({
    run: () => rerunRun(run.id, key),
    said: (again) => ({
      tone: 'good',
      text: `${run.job} is running again.`,
      link: { to: `/runs/${again.id}`, text: 'Show the run' },
    }),
    onDone: (again) => {
      onClose();
      navigate(`/runs/${again.id}`);
    },
  });
  const params = Object.keys(run.params);
  return (
    <Dialog
      title="Run it again"
      doing="Run again"
      busy={action.isPending}
      error={action.error}
      onDo={() => action.mutate()}
      onClose={onClose}
    >
      <ul className="consequences">
        <li>
          A new run for the same due time, <Exact at={run.due} />
          {params.length > 0 && `, with the same parameters (${params.join(', ')})`}, with the current
          definition.
        </li>
        <li>Dependent jobs follow when it has ended.</li>
      </ul>
    </Dialog>
  );
}
