/** What the signs mean. */

import { type CellState, looks, toneOf, wordOf } from './looks.ts';
import { type Sheet, stateOfLetterIn } from './sheet.ts';
import { Sign } from './sign.tsx';

export function Legend({ sheet }: { readonly sheet: Sheet }) {
  const found = new Set<CellState>();
  let again = false;
  for (const row of sheet.rows) {
    if (row.kind !== 'job') continue;
    for (const letter of new Set(row.letters)) {
      const state = stateOfLetterIn(letter);
      if (state !== null) found.add(state);
      again ||= letter !== letter.toLowerCase();
    }
  }
  return (
    <ul className="grid-legend">
      {(Object.keys(looks) as (keyof typeof looks)[])
        .filter((state) => state !== 'unknown' && found.has(state))
        .map((state) => (
          <li key={state} className={`state tone-${toneOf(state)}`}>
            <Sign state={state} />
            <span>{wordOf(state)}</span>
          </li>
        ))}
      {again && <li className="muted">◥ run more than once</li>}
      {sheet.columns.some(({ manual }) => manual) && <li className="muted">* started by a user</li>}
    </ul>
  );
}
