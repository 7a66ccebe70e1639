/** Makes a failing run smaller: fewer kinds of faults, fewer hours, as long as something is still wrong. */

import type { FaultKind } from './faults.ts';
import { simulate } from './simulate.ts';

export interface Failing {
  readonly seed: number;
  readonly hours: number;
  readonly kinds: readonly FaultKind[];
}

export async function shrink(failing: Failing): Promise<Failing & { wrong: string }> {
  let best = { ...failing, wrong: '' };
  const keepIfWrong = async (candidate: Failing): Promise<void> => {
    const { wrong } = await simulate(candidate);
    if (wrong !== null) best = { ...candidate, wrong };
  };
  await keepIfWrong(failing);
  for (const kind of failing.kinds)
    await keepIfWrong({ ...best, kinds: best.kinds.filter((other) => other !== kind) });
  for (const share of [0.25, 0.5, 0.75]) {
    await keepIfWrong({ ...best, hours: Math.round(failing.hours * share * 1_000) / 1_000 });
    if (best.hours < failing.hours) break;
  }
  return best;
}
