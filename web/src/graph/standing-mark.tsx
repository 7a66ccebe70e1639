/** The state of a job as shape, colour and word: the same in legend, panel, table and picture. */

import { type Standing, shapes, tones, words } from './state.ts';

export const StandingShape = ({ standing }: { readonly standing: Standing }) => (
  <svg
    className={`standing-shape tone-${tones[standing]}`}
    viewBox="0 0 12 12"
    width="12"
    height="12"
    aria-hidden="true"
  >
    <path d={shapes[standing]} className={standing === 'running' ? 'filled' : undefined} />
  </svg>
);

export const StandingMark = ({ standing }: { readonly standing: Standing }) => (
  <span className={`state tone-${tones[standing]}`}>
    <StandingShape standing={standing} />
    {words[standing]}
  </span>
);
