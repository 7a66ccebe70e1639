/** The legend: shapes, the number of jobs in each state, and a filter. Pressing a state dims the others. */

import { StandingShape } from './standing-mark.tsx';
import { type Standing, standings, words } from './state.ts';

interface LegendProps {
  readonly counts: ReadonlyMap<Standing, number>;
  readonly chosen: Standing | null;
  readonly onChoose: (standing: Standing | null) => void;
}

export function Legend({ counts, chosen, onChoose }: LegendProps) {
  return (
    <fieldset className="graph-legend" aria-label="Show one state">
      {standings
        .filter((each) => (counts.get(each) ?? 0) > 0 || each === chosen)
        .map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === chosen}
            onClick={() => onChoose(each === chosen ? null : each)}
          >
            <StandingShape standing={each} />
            {words[each]} <b>{counts.get(each) ?? 0}</b>
          </button>
        ))}
    </fieldset>
  );
}
