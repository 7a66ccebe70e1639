/** `npm run sim -- --seed N --hours H [--seeds COUNT] [--trace]`: clusters under simulated faults, from seeds. */

import { parseArgs } from 'node:util';
import { type FaultKind, faultKinds } from './faults.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    hours: { type: 'string', default: '1' },
    without: { type: 'string', default: '' },
    trace: { type: 'boolean', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const without = values.without.split(',');
const kinds = faultKinds.filter((kind) => !without.includes(kind));
const hours = Number(values.hours);
const first = Number(values.seed);
const seeds = Number(values.seeds);
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
