/** Every reader against arbitrary input, from seeds: `npm run fuzz -- --help`. */

import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { numberIn, readArguments, refuse } from '../support/arguments.ts';
import { closeWorld } from './requests.ts';
import { targets } from './targets.ts';

const usage = `npm run fuzz -- [options]
  --minutes M    how long (default: 1)
  --seed N       the first seed (default: 1)
  --only TARGET  one target: ${Object.keys(targets).join(', ')}
`;

const { values } = readArguments(usage, {
  minutes: { type: 'string', default: '1' },
  seed: { type: 'string', default: '1' },
  only: { type: 'string' },
});
const minutes = numberIn(usage, 'minutes', values.minutes, { min: 0, whole: false });
const first = numberIn(usage, 'seed', values.seed, { min: 0 });

/** Cases of one seed: those of a failing seed are tried again in a moment. */
const CASES = 2_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const chosen = Object.entries(targets).filter(([name]) => values.only === undefined || name === values.only);
if (chosen.length === 0) refuse(`There is no target named '${values.only}'.`, usage);
const until = performance.now() + minutes * 60_000;
const slowest = new Map<string, { ms: number; seed: number }>();
let cases = 0;
let failures = 0;
let seed = first;
for (; failures === 0 && performance.now() < until; seed++) {
  for (const [name, { input, hold }] of chosen) {
    const timed = async (given: never): Promise<void> => {
      const began = performance.now();
      try {
        await hold(given);
      } finally {
        const ms = performance.now() - began;
        if (ms > (slowest.get(name)?.ms ?? 0)) slowest.set(name, { ms, seed });
      }
    };
    const result = await fc.check(fc.asyncProperty(input, timed), { numRuns: CASES, seed });
    cases += result.numRuns;
    if (!result.failed) continue;
    failures += 1;
    say(`FAILED ${name}\n${fc.defaultReportMessage(result)}`);
    say(`again:  npm run fuzz -- --seed ${seed} --only '${name}'`);
  }
}
await closeWorld();
for (const [name, { ms, seed: at }] of slowest) say(`${name}: slowest case ${ms.toFixed(1)} ms (seed ${at})`);
say(`${cases} cases of ${chosen.length} targets, seeds ${first} to ${seed - 1}: ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
