/** The sign of a state beside words, as in the picture. */

import { type CellState, looks } from './looks.ts';

export function Sign({ state }: { readonly state: CellState | 'unknown' }) {
  const { full, path } = looks[state];
  return (
    <svg viewBox="0 0 12 12" aria-hidden="true" className="grid-sign">
      {full && <rect x="0" y="0" width="12" height="12" rx="2.5" />}
      <path d={path} className={full ? 'grid-cut' : undefined} />
    </svg>
  );
}
