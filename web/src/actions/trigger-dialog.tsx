/** Triggers a job now, with parameters for this run only. */

import { useState } from 'react';
import { useLocation } from 'wouter';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Names } from '../parts/names.tsx';
import { type Pair, Pairs, pairsToRecord } from '../parts/pairs.tsx';
import { type Declared, givenIn, ParamFields, paramProblems, type Typed } from './param-fields.tsx';
import { newKey, triggerJob } from './requests.ts';
import { useAction } from './use-action.ts';

const overlaps: Record<string, string> = {
  skip: 'A run is unfinished, so this run will be skipped.',
  queue: 'A run is unfinished, so this run will wait for it.',
  'queue-all': 'A run is unfinished, so this run will wait for it.',
  allow: 'The new run starts beside the unfinished one.',
  replace: 'The unfinished run is killed, then this run starts.',
};

/** Each message stands at its input. */
function isAtFields(error: unknown, declared: Declared = {}): boolean {
  const names = [...paramProblems(error).keys()];
  return names.length > 0 && names.every((name) => Object.hasOwn(declared, name));
}

export function TriggerDialog({ job, onClose }: { readonly job: WireJob; readonly onClose: () => void }) {
  const [pairs, setPairs] = useState<readonly Pair[]>([]);
  const [typed, setTyped] = useState<Typed>({});
  const declared = job.definition.params;
  const [key] = useState(newKey);
  const [, navigate] = useLocation();
  const trigger = useAction({
    run: () => triggerJob(job.name, declared === undefined ? pairsToRecord(pairs) : givenIn(typed), key),
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
  const problems = paramProblems(trigger.error);
  const unfinished = job.running.length + job.waiting.length;
  return (
    <Dialog
      title={`Run ${job.name} now`}
      doing="Run now"
      busy={trigger.isPending}
      error={isAtFields(trigger.error, declared) ? null : trigger.error}
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
      {declared === undefined ? (
        <fieldset className="field">
          <legend className="label">Parameters</legend>
          <p className="field-hint">Environment variables for this run only.</p>
          <Pairs
            pairs={pairs}
            nameHint="DAY"
            valueHint="2026-11-21"
            invalid={[...problems.keys()]}
            onChange={setPairs}
          />
        </fieldset>
      ) : (
        Object.keys(declared).length > 0 && (
          <ParamFields declared={declared} typed={typed} problems={problems} onChange={setTyped} />
        )
      )}
    </Dialog>
  );
}
