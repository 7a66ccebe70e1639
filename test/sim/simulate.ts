/**
 * One simulated cluster from a seed: three schedulers, a store, engines, people and faults; then a quiet end in
 * which everything must come to rest. The same options give the same run, event by event.
 */

import { AccessClients } from './access-clients.ts';
import { BackfillClients } from './backfill-clients.ts';
import { Clients } from './clients.ts';
import { Engine } from './engine.ts';
import { Ensemble } from './ensemble.ts';
import { type FaultKind, faultKinds, healAll, planFaults, type World } from './faults.ts';
import { courseOf } from './jobs.ts';
import { Judge } from './judge.ts';
import { iso } from './ledger.ts';
import { Network } from './network.ts';
import { SimNode } from './node.ts';
import { Random } from './random.ts';
import { Reporter } from './reporter.ts';
import { restFaults } from './rest.ts';
import { SimTime } from './time.ts';
import { instant, Trace } from './trace.ts';

export interface Options {
  readonly seed: number;
  readonly hours: number;
  /** Kinds of faults that may happen. Default: all. */
  readonly kinds?: readonly FaultKind[];
  /** A part that is broken on purpose, to see that it is noticed. */
  readonly mutant?: Mutant;
  readonly print?: (line: string) => void;
}

export type Mutant =
  | 'store-does-not-fence'
  | 'engine-starts-twice'
  | 'always-fresh'
  | 'drops-notices'
  | 'counts-ahead'
  | 'lends-to-anyone'
  | 'starts-early';

export interface Result {
  /** What was wrong first; null: nothing. */
  readonly wrong: string | null;
  readonly trace: readonly string[];
  /** Of the whole trace: equal for equal runs. */
  readonly hash: number;
  readonly events: number;
  readonly commits: number;
  readonly starts: number;
  readonly acknowledged: number;
  readonly terms: number;
}

const EPOCH_MS = Date.parse('2026-01-01T00:00:00Z');
const IDS = ['n1', 'n2', 'n3'];
/** After all faults: pauses and cuts are over, and sessions are there again. */
const SETTLE_MS = 180_000;
/** Nothing new is due any more; then this long nothing ends: longer than the longest attempt and what it waits for. */
const REST_MS = 900_000;
/** A commit has reached everybody by then, when nothing is wrong. */
const PROPAGATION_MS = 100;

export async function simulate(options: Options): Promise<Result> {
  const { seed, hours } = options;
  const time = new SimTime(new Random(seed, 'ties'));
  const trace = new Trace(() => time.now, options.print ?? null);
  let wrong: string | null = null;
  const onWrong = (what: string): void => {
    if (wrong !== null) return;
    wrong = `at ${instant(time.now)} (${iso(EPOCH_MS + time.now)}): ${what}`;
    trace.add('judge', 'WRONG', what);
  };
  const { world, judge } = build(options, time, trace, onWrong);
  const asking = { ...world, judge, epochMs: EPOCH_MS, onWrong };
  const clients = new Clients({ ...asking, random: new Random(seed, 'clients') });
  const accessClients = new AccessClients({ ...asking, random: new Random(seed, 'access') });
  const backfillClients = new BackfillClients({ ...asking, random: new Random(seed, 'backfills') });
  const reporter = new Reporter({ ...world, random: new Random(seed, 'crontab'), judge, onWrong });
  const faultsEnd = hours * 3_600_000;
  const stop = (): boolean => wrong !== null;
  for (const node of world.nodes) node.start();
  planFaults(world, seed, options.kinds ?? faultKinds, faultsEnd);
  clients.begin(faultsEnd);
  accessClients.begin(faultsEnd);
  backfillClients.begin(faultsEnd);
  reporter.begin(faultsEnd);
  await time.runUntil(faultsEnd, stop);
  healAll(world);
  await time.runUntil(faultsEnd + SETTLE_MS, stop);
  if (wrong === null) {
    for (const fault of [...clients.faults(), ...backfillClients.faults(), ...reporter.faults()])
      onWrong(fault);
    await comeToRest(world, judge, stop, onWrong);
  }
  if (wrong === null) for (const fault of restFaults(world, judge)) onWrong(fault);
  for (const node of world.nodes) node.life?.process.die();
  return {
    wrong,
    trace: trace.last(),
    hash: trace.hash,
    events: time.events,
    commits: judge.commits,
    starts: judge.starts.size,
    acknowledged: clients.acknowledged,
    terms: world.ensemble.term,
  };
}

function build(
  { seed, mutant }: Options,
  time: SimTime,
  trace: Trace,
  onWrong: (what: string) => void,
): { world: World; judge: Judge } {
  const random = new Random(seed, 'world');
  const engines: Engine[] = [];
  const nodes = new Map<string, SimNode>();
  const clocks = { setAt: 0 };
  /** By term. */
  const leaders = new Map<number, SimNode>();
  const judge = new Judge({
    onWrong,
    engines: () => engines,
    time: () => time.now,
    clockSetAt: () => clocks.setAt,
    clockOf: (term) => leaders.get(term)?.clock() ?? null,
    latest: () => Math.max(...[...nodes.values()].map(({ wall }) => wall.latest)),
  });
  const engineAt = (place: string): Engine => {
    const engine = new Engine({
      place,
      time,
      random: new Random(seed, place),
      epochMs: EPOCH_MS,
      offsetMs: random.chance(0.7) ? 0 : random.between(-20_000, 20_000),
      course: courseOf(seed),
      careless: mutant === 'engine-starts-twice',
      onCreate: (at, spec) => {
        trace.add(at.place, 'creates', spec.launchName);
        judge.created(at, spec);
      },
      onStart: (at, spec) => {
        trace.add(at.place, 'starts', spec.launchName);
        judge.started(at, spec);
      },
    });
    engine.busy = random.next() ** 2 / 2;
    engines.push(engine);
    return engine;
  };
  const docker = engineAt('docker');
  const ensemble = new Ensemble({
    time,
    fences: mutant !== 'store-does-not-fence',
    onApplied: (term, writes, node) => {
      trace.add('store', 'commit', { term, node, writes: writes.map(shortWrite) });
      judge.applied(term, writes, nodes.get(node)?.life?.store.followedSince ?? time.now);
    },
    onTerm: (term, member) => {
      trace.add('store', 'term begins', { term, node: member.id });
      const leader = nodes.get(member.id);
      if (leader !== undefined) leaders.set(term, leader);
    },
    onExpired: (node) => trace.add('store', 'session expires', node),
  });
  const network = new Network(time, new Random(seed, 'network'));
  for (const id of IDS) {
    const wall = {
      epochMs: EPOCH_MS,
      offsetMs: random.chance(0.7) ? random.between(-500, 500) : random.between(-60_000, 60_000),
      driftPpm: random.between(-100, 100),
      latest: EPOCH_MS,
    };
    nodes.set(
      id,
      new SimNode({
        id,
        time,
        random: new Random(seed, id),
        packing: new Random(seed, `packets to ${id}`),
        trace,
        ensemble,
        network,
        wall,
        docker,
        processes: engineAt(`process@${id}`),
        alwaysFresh: mutant === 'always-fresh',
        hasty: mutant === 'starts-early',
        dropsNotices: mutant === 'drops-notices',
        countsAhead: mutant === 'counts-ahead',
        unfencedLoans: mutant === 'lends-to-anyone',
        nodes: () => nodes,
        receivers: new Random(seed, `receivers of ${id}`),
        onMessage: (key) => judge.alerts.accept(key),
        onWrong,
      }),
    );
  }
  return { world: { time, trace, network, ensemble, nodes: [...nodes.values()], docker, clocks }, judge };
}

function shortWrite(write: { kind: string }): string {
  const { run, state, job, line, name } = write as {
    kind: string;
    run?: { id: string; state: string };
    state?: { name: string };
    job?: { name: string; revision: number };
    line?: { job: string; end: string };
    name?: string;
  };
  if (run !== undefined) return `${run.id}=${run.state}`;
  if (job !== undefined) return `job ${job.name}@${job.revision}`;
  return `${write.kind} ${state?.name ?? line?.job ?? name ?? ''}`;
}

/** Stops all schedules, and waits until nothing is unfinished and no message is owed. */
async function comeToRest(
  world: World,
  judge: Judge,
  stop: () => boolean,
  onWrong: (what: string) => void,
): Promise<void> {
  const { time, nodes } = world;
  const leader = nodes.find((node) => node.life?.scheduler.leadership().leading === true)?.life;
  if (leader == null) {
    onWrong('nobody leads though nothing is wrong any more');
    return;
  }
  for (const name of judge.jobs.keys()) {
    leader.process.deliver(() => {
      leader.scheduler.submit({ kind: 'pause', name, by: 'end' }).catch((error: unknown) => {
        onWrong(`${name} cannot be paused in the quiet: ${error}`);
      });
    });
  }
  let since = time.now;
  for (let left = Number.POSITIVE_INFINITY; !stop() && left > 0 && time.now - since < REST_MS; ) {
    await time.runUntil(time.now + 10_000, stop);
    const { scheduler } = leader;
    const unfinished = [...scheduler.liveRuns()].length + scheduler.notifications().length;
    if (unfinished < left) since = time.now;
    left = unfinished;
  }
  await time.runUntil(time.now + 5_000, stop);
  // Paused jobs go on being due: nobody is judged in the moment in which a commit is on its way to the others.
  // Nor while a message is on its way that was decided only now: an alert may be repeated in the quiet, too.
  const owes = (): boolean => leader.scheduler.notifications().length > 0 && time.now - since < 2 * REST_MS;
  for (let commits = -1; !stop() && (commits !== judge.commits || owes()); ) {
    commits = judge.commits;
    await time.runUntil(time.now + PROPAGATION_MS, stop);
  }
}
