/** Triggers a job now, with parameters for this run only. */

import { useState } from 'react';
import { useLocation } from 'wouter';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { problemOf } from '../data/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Names } from '../parts/names.tsx';
import { type Pair, Pairs, pairsToRecord } from '../parts/pairs.tsx';
import { newKey, triggerJob } from './requests.ts';
import { useAction } from './use-action.ts';

const overlaps: Record<string, string> = {
  skip: 'A run is unfinished, so this run will be skipped.',
  queue: 'A run is unfinished, so this run will wait for it.',
  'queue-all': 'A run is unfinished, so this run will wait for it.',
  allow: 'The new run starts beside the unfinished one.',
  replace: 'The unfinished run is killed, then this run starts.',
};

export function TriggerDialog({ job, onClose }: { readonly job: WireJob; readonly onClose: () => void }) {
  const [pairs, setPairs] = useState<readonly Pair[]>([]);
  const [key] = useState(newKey);
  const [, navigate] = useLocation();
  const trigger = useAction({
    run: () => triggerJob(job.name, pairsToRecord(pairs), key),
    said: (run) => ({
      tone: 'good',
      text: `${job.name} was triggered.`,
      link: { to: `/runs/${run.id}`, text: 'Show the run' },
    }),
    onDone: (run) => {
      onClose();
      navigate(`/runs/${run.id}`);
    },
  });
  const { field } = trigger.error === null ? {} : problemOf(trigger.error);
  const unfinished = job.running.length + job.waiting.length;
  return (
    <Dialog
      title={`Run ${job.name} now`}
      doing="Run now"
      busy={trigger.isPending}
      error={trigger.error}
      onDo={() => trigger.mutate()}
      onClose={onClose}
    >
      <p>
        An additional run, independent of the schedule.{' '}
        {unfinished > 0 && overlaps[job.definition.policy?.overlap ?? 'skip']}{' '}
        {job.children.length > 0 && (
          <>
            When it has ended, these jobs may follow: <Names names={job.children} />
          </>
        )}
      </p>
      <fieldset className="field">
        <legend className="label">Parameters</legend>
        <p className="field-hint">Environment variables for this run only.</p>
        <Pairs
          pairs={pairs}
          nameHint="DAY"
          valueHint="2026-11-21"
          invalid={field?.startsWith('params.') === true ? [field.slice('params.'.length)] : []}
          onChange={setPairs}
        />
      </fieldset>
    </Dialog>
  );
}
