/** Cells shared by the lists of late and failing jobs: the job, its owner, and its downstream jobs. */

import { Link } from 'wouter';

export const TroubledJob = ({ job, owner }: { readonly job: string; readonly owner: string | null }) => (
  <td>
    <Link href={`/jobs/${job}`} className="strong">
      {job}
    </Link>
    {owner !== null && <small>{owner}</small>}
  </td>
);

export const HangsOnIt = ({ job, dependents }: { readonly job: string; readonly dependents: number }) => (
  <td data-label="Downstream jobs" className="nowrap">
    {dependents === 0 ? (
      <span className="faint">none</span>
    ) : (
      <Link href={`/jobs/${job}/dependencies`}>{dependents === 1 ? '1 job' : `${dependents} jobs`}</Link>
    )}
  </td>
);
