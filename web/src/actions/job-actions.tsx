/** The buttons of one job, each with a confirmation dialog. */

import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { useMayOn, useMaySome } from '../access/may.ts';
import { leastRole } from '../access/words.ts';
import { BackfillDialog } from '../backfills/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { MuteDialog } from './mute-dialog.tsx';
import { PauseDialog } from './pause-dialog.tsx';
import { TriggerDialog } from './trigger-dialog.tsx';

type Asked = 'trigger' | 'backfill' | 'pause' | 'mute' | 'delete';

export function JobActions({ job }: { readonly job: WireJob }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [, navigate] = useLocation();
  const close = () => setAsked(null);
  const stands = job.status === 'paused' || job.status === 'disabled';
  const mayOperate = useMayOn('operate', job.name);
  const mayEdit = useMayOn('edit', job.name);
  const mayCreate = useMaySome('edit');
  return (
    <div className="actions">
      {mayOperate && job.definition.run !== undefined && (
        <button type="button" className="button button-primary" onClick={() => setAsked('trigger')}>
          <Icon name="play" /> Run now
        </button>
      )}
      {mayOperate && (
        <>
          <button type="button" className="button" onClick={() => setAsked('pause')}>
            <Icon name={stands ? 'play' : 'pause'} /> {stands ? 'Resume' : 'Pause'}
          </button>
          {job.definition.run !== undefined && (
            <button type="button" className="button" onClick={() => setAsked('backfill')}>
              <Icon name="runs" /> Backfill
            </button>
          )}
          <button type="button" className="button" onClick={() => setAsked('mute')}>
            <Icon name="mute" /> Mute
          </button>
        </>
      )}
      {mayEdit && (
        <Link className="button" href={`/jobs/${job.name}/definition`}>
          <Icon name="edit" /> Edit
        </Link>
      )}
      {mayCreate && (
        <Link className="button" href={`/new?from=${job.name}`}>
          <Icon name="copy" /> Duplicate
        </Link>
      )}
      {mayEdit && (
        <button type="button" className="button button-danger" onClick={() => setAsked('delete')}>
          <Icon name="bin" /> Delete
        </button>
      )}
      {!mayEdit && <MayNot mayOperate={mayOperate} />}
      {asked === 'trigger' && <TriggerDialog job={job} onClose={close} />}
      {asked === 'backfill' && <BackfillDialog jobs={[job.name]} onClose={close} />}
      {asked === 'pause' && <PauseDialog job={job} resume={stands} onClose={close} />}
      {asked === 'mute' && <MuteDialog job={job} onClose={close} />}
      {asked === 'delete' && <DeleteDialog job={job} onClose={close} onDeleted={() => navigate('/jobs')} />}
    </div>
  );
}

const MayNot = ({ mayOperate }: { readonly mayOperate: boolean }) => (
  <p className="muted">
    {mayOperate ? '' : `Running it needs the role ${leastRole.operate}. `}
    Changing it needs the role {leastRole.edit}.
  </p>
);
