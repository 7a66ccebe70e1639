/** Pauses or resumes a job, after showing what that means for its due times and runs. */

import { useQuery } from '@tanstack/react-query';
import type { WireJob } from '../../../src/api/wire/schema.ts';
import { nextQuery } from '../data/queries.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Instant } from '../parts/instant.tsx';
import { Names } from '../parts/names.tsx';
import { pauseJob, resumeJob } from './requests.ts';
import { useAction } from './use-action.ts';

interface Props {
  readonly job: WireJob;
  readonly resume: boolean;
  readonly onClose: () => void;
}

export function PauseDialog({ job, resume, onClose }: Props) {
  const { data } = useQuery(nextQuery(job.name, 1));
  const next = data?.instants[0];
  const action = useAction({
    run: () => (resume ? resumeJob(job.name) : pauseJob(job.name)),
    said: () => ({ tone: 'good', text: resume ? `${job.name} is resumed.` : `${job.name} is paused.` }),
    onDone: onClose,
  });
  const unfinished = job.running.length + job.waiting.length;
  return (
    <Dialog
      title={resume ? `Resume ${job.name}` : `Pause ${job.name}`}
      doing={resume ? 'Resume' : 'Pause'}
      busy={action.isPending}
      error={action.error}
      onDo={() => action.mutate()}
      onClose={onClose}
    >
      {resume ? (
        <p>
          It starts again
          {next !== undefined && (
            <>
              {' '}
              at <Instant at={next} />
            </>
          )}
          . Due times skipped during the pause stay skipped.
        </p>
      ) : (
        <ul className="consequences">
          <li>
            Due times are skipped until someone resumes the job
            {next !== undefined && (
              <>
                . The next due time is <Instant at={next} />
              </>
            )}
            .
          </li>
          <li>
            {unfinished === 0
              ? 'No run is unfinished.'
              : `Its ${unfinished} unfinished ${unfinished === 1 ? 'run continues' : 'runs continue'}.`}
          </li>
          {job.children.length > 0 && (
            <li>
              These jobs depend on it and are not triggered either: <Names names={job.children} />
            </li>
          )}
        </ul>
      )}
    </Dialog>
  );
}
