/** Run a job now, with parameters for this run only. */

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
  skip: 'A run is unfinished, so this one will be skipped.',
  queue: 'A run is unfinished; this one waits for it.',
  'queue-all': 'A run is unfinished; this one waits for it.',
  allow: 'It runs beside the unfinished one.',
  replace: 'The unfinished run is ended, and this one takes its place.',
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
      link: { to: `/runs/${run.id}`, text: 'See the run' },
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
        One more run, beside its schedule.{' '}
        {unfinished > 0 && overlaps[job.definition.policy?.overlap ?? 'skip']}{' '}
        {job.children.length > 0 && (
          <>
            When it has ended, these may follow: <Names names={job.children} />
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
