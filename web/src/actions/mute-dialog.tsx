/** Mutes a job's alerts for a time, with a reason that others see. */

import { useId, useState } from 'react';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { problemOf } from '../data/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { muteJob } from './requests.ts';
import { useAction } from './use-action.ts';

const hours: readonly (readonly [hours: number, label: string])[] = [
  [1, '1 hour'],
  [4, '4 hours'],
  [8, '8 hours'],
  [24, '1 day'],
  [168, '1 week'],
];

export function MuteDialog({ job, onClose }: { readonly job: WireJob; readonly onClose: () => void }) {
  const [length, setLength] = useState(8);
  const [reason, setReason] = useState('');
  const id = useId();
  const mute = useAction({
    run: () => {
      const until = new Date(Date.now() + length * 3_600_000).toISOString();
      return muteJob(job.name, { until, reason: reason.trim() });
    },
    said: () => ({ tone: 'good', text: `${job.name} is muted.` }),
    onDone: onClose,
  });
  const { field } = mute.error === null ? {} : problemOf(mute.error);
  return (
    <Dialog
      title={`Mute ${job.name}`}
      doing="Mute"
      ready={reason.trim() !== ''}
      busy={mute.isPending}
      error={mute.error}
      onDo={() => mute.mutate()}
      onClose={onClose}
    >
      <p>No messages about its alerts are sent. What is still open afterwards is reported then.</p>
      <div className="field">
        <label className="label" htmlFor={`${id}-for`}>
          For
        </label>
        <select id={`${id}-for`} value={length} onChange={(event) => setLength(Number(event.target.value))}>
          {hours.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label className="label" htmlFor={`${id}-reason`}>
          Reason
        </label>
        <input
          id={`${id}-reason`}
          className="input"
          required
          maxLength={500}
          value={reason}
          aria-invalid={field === 'reason'}
          onChange={(event) => setReason(event.target.value)}
        />
      </div>
    </Dialog>
  );
}
