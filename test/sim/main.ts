/** Clusters under simulated faults, from seeds: `npm run sim -- --help`. */

import { numberIn, readArguments, refuse } from '../support/arguments.ts';
import { type FaultKind, faultKinds } from './faults.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

const usage = `npm run sim -- [options]
  --seed N         the first seed (default: 1)
  --seeds COUNT    how many seeds are run, one after another (default: 1)
  --hours H        simulated hours per seed (default: 1)
  --without KINDS  kinds of faults to leave out, separated by commas: ${faultKinds.join(', ')}
  --trace          print all that happens
`;

const { values } = readArguments(usage, {
  seed: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '1' },
  hours: { type: 'string', default: '1' },
  without: { type: 'string', default: '' },
  trace: { type: 'boolean', default: false },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const without = values.without.split(',').filter((kind) => kind !== '');
const unknown = without.filter((kind) => !(faultKinds as readonly string[]).includes(kind));
if (unknown.length > 0) refuse(`There are no faults named ${unknown.join(', ')}.`, usage);
const kinds = faultKinds.filter((kind) => !without.includes(kind));
const hours = numberIn(usage, 'hours', values.hours, { min: 0, whole: false });
const first = numberIn(usage, 'seed', values.seed, { min: 0 });
const seeds = numberIn(usage, 'seeds', values.seeds, { min: 1 });
let failures = 0;
const total = { events: 0, commits: 0, starts: 0, terms: 0 };
for (let seed = first; seed < first + seeds; seed++) {
  const result = await simulate({ seed, hours, kinds, ...(values.trace ? { print: say } : {}) });
  for (const key of ['events', 'commits', 'starts', 'terms'] as const) total[key] += result[key];
  if (result.wrong === null) {
    if (seeds > 1 && (seed - first + 1) % 100 === 0) say(`${seed - first + 1} seeds, ${failures} failed`);
    continue;
  }
  failures += 1;
  await tell(seed, result.wrong, result.trace);
}
say(
  `${seeds} seed${seeds === 1 ? '' : 's'} from ${first}, ${hours} h each: ${failures} failed; ${total.events} events, ${total.commits} commits, ${total.starts} starts, ${total.terms} terms`,
);
process.exitCode = failures === 0 ? 0 : 1;

async function tell(seed: number, wrong: string, trace: readonly string[]): Promise<void> {
  if (seeds > 1) {
    say(`FAILED  ${command(seed, hours, kinds)}\n  ${wrong}`);
    return;
  }
  if (!values.trace) for (const line of trace) say(line);
  say(`\nFAILED ${wrong}\n\nagain:   ${command(seed, hours, kinds)} --trace`);
  const smaller = await shrink({ seed, hours, kinds });
  say(`smaller: ${command(seed, smaller.hours, smaller.kinds)} --trace\n         ${smaller.wrong}`);
}

function command(seed: number, h: number, left: readonly FaultKind[]): string {
  const gone = faultKinds.filter((kind) => !left.includes(kind));
  return `npm run sim -- --seed ${seed} --hours ${h}${gone.length === 0 ? '' : ` --without ${gone.join(',')}`}`;
}
