/**
 * `npm run chaos -- --minutes 2 [--seed N] [--report DIR] [--keep]`: three schedulers on three ZooKeeper servers,
 * faults at random from the seed, and a verdict over everything that was due. Exit code 0: no violation, 1: some,
 * 2: it could not be run.
 *
 * The process that is started makes the network, runs itself once more inside the network's hub, and removes the
 * network with everything that still runs in it, whatever became of the inner one.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { numberIn, readArguments } from '../support/arguments.ts';
import { dockerdMissing } from '../support/dockerd.ts';
import { check } from './checker.ts';
import { copyCommit, copySource, mutants } from './mutants.ts';
import { hub, Network, programsMissing } from './network.ts';
import { picture } from './picture.ts';
import { chaosRun, schedulerNames, zookeeperNames } from './run.ts';
import { summarise, summaryText } from './summary.ts';

const root = resolve(import.meta.dirname, '../..');
const memory = '/dev/shm';
const usage = `npm run chaos -- [options]
  --minutes M      how long faults are made (default: 2)
  --seed N         repeats the same faults and jobs (default: from the clock)
  --report DIR     where report.json, report.svg and the logs go; default: a new temporary folder
  --keep           keep the data of all members as well, below the report
  --no-docker      no containers, even if a Docker Engine can be started
  --leader-away S  no fault but one: the leader is killed after eight seconds, and stays away for S seconds
  --alone          one scheduler on its embedded store, without ZooKeeper
  --upgrade-from C start on the source of the git commit C, upgrade node by node, and only then make faults
  --mutant NAME    run a spoilt copy of the source, to see that it is caught: ${Object.keys(mutants).join(', ')}
`;

const options = {
  minutes: { type: 'string', default: '2' },
  seed: { type: 'string' },
  report: { type: 'string' },
  keep: { type: 'boolean', default: false },
  'no-docker': { type: 'boolean', default: false },
  'leader-away': { type: 'string' },
  alone: { type: 'boolean', default: false },
  mutant: { type: 'string' },
  'upgrade-from': { type: 'string' },
  /** Set by the outer process: its pid, after which the network is named. */
  inside: { type: 'string' },
} as const;

function readOptions() {
  const { values } = readArguments(usage, options);
  const minutes = numberIn(usage, 'minutes', values.minutes, { min: 0.1, whole: false });
  const seed = numberIn(usage, 'seed', values.seed ?? String(Date.now() % 2 ** 31), { min: 0 });
  const report = values.report === undefined ? null : resolve(values.report);
  const away = values['leader-away'];
  const leaderAwayMs =
    away === undefined ? null : numberIn(usage, 'leader-away', away, { min: 1, whole: false }) * 1_000;
  return { ...values, minutes, seed, report, leaderAwayMs };
}

type Options = ReturnType<typeof readOptions>;

const say = (text: string): void => {
  process.stdout.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`);
};

const network = (owner: number): Network => new Network(owner, [...zookeeperNames, ...schedulerNames]);

/** Makes the network and lets the real run happen inside it. */
async function outside(given: Options): Promise<number> {
  const missing = programsMissing();
  if (missing !== null) throw new Error(`chaos cannot be run: ${missing}`);
  const net = network(process.pid);
  const report = given.report ?? mkdtempSync(join(tmpdir(), 'carillon-chaos-report-'));
  // Signals of a terminal reach the inner process as well; others are handed on. It stops what it started.
  const ignored = (signal: NodeJS.Signals): void => void child?.kill(signal);
  let child: ReturnType<typeof spawn> | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, ignored);
  try {
    net.create();
    const again = ['--inside', String(process.pid), '--report', report, '--seed', String(given.seed)];
    const [program = '', ...enter] = [...net.enter(hub), 'setpriv', '--pdeathsig', 'TERM', process.execPath];
    const args = [...enter, '--import', 'tsx', import.meta.filename, ...process.argv.slice(2), ...again];
    child = spawn(program, args, { cwd: root, stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 2;
  } finally {
    net.remove();
  }
}

async function inside(given: Options, owner: number): Promise<number> {
  const { minutes, seed, keep, alone, leaderAwayMs, 'upgrade-from': earlier } = given;
  const report = given.report ?? tmpdir();
  mkdirSync(report, { recursive: true });
  // In memory: a disk that stalls for seconds, as shared ones do, is not a fault of this plan.
  const scratch = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'carillon-chaos-'));
  const noDocker = given['no-docker'] ? 'not wanted' : dockerdMissing();
  if (noDocker !== null) say(`no containers: ${noDocker}`);
  say(`seed ${seed}, ${minutes} minutes, report in ${report}`);
  try {
    const history = await chaosRun(network(owner), {
      ...{ minutes, seed, alone, leaderAwayMs, say },
      docker: noDocker === null,
      source: copySource(root, join(scratch, 'source'), given.mutant),
      earlier: earlier === undefined ? null : copyCommit(root, join(scratch, 'earlier'), earlier),
      workDir: join(scratch, 'data'),
      logDir: join(report, 'logs'),
    });
    const violations = check(history);
    const summary = summarise(history, violations);
    writeFileSync(join(report, 'report.json'), JSON.stringify({ summary, violations, history }, null, 1));
    writeFileSync(join(report, 'report.svg'), picture(history, violations));
    process.stdout.write(`\n${summaryText(summary, violations)}\n${join(report, 'report.svg')}\n`);
    return violations.length === 0 ? 0 : 1;
  } finally {
    if (keep) cpSync(join(scratch, 'data'), join(report, 'data'), { recursive: true });
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

try {
  const given = readOptions();
  process.exit(given.inside === undefined ? await outside(given) : await inside(given, Number(given.inside)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
