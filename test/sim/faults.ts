/** What goes wrong: kinds of faults, each at random moments of its own, and undone before the quiet end. */

import type { Engine } from './engine.ts';
import type { Ensemble } from './ensemble.ts';
import { DELAY_MS, type Network } from './network.ts';
import type { SimNode } from './node.ts';
import { Random } from './random.ts';
import type { SimTime } from './time.ts';
import type { Trace } from './trace.ts';

export interface World {
  readonly time: SimTime;
  readonly trace: Trace;
  readonly network: Network;
  readonly ensemble: Ensemble;
  readonly nodes: readonly SimNode[];
  readonly docker: Engine;
  /** When a wall clock was last set, in true time. */
  readonly clocks: { setAt: number };
}

/** Makes it so for `ms`, then undoes it. */
type Fault = (world: World, random: Random, ms: number) => void;

const minutes = (random: Random, most: number): number => random.mostlySmall(500, most * 60_000);

export const faults = {
  crash: (world, random, ms) => {
    const node = random.pick(world.nodes);
    node.crash('killed');
    world.time.after(random.mostlySmall(500, Math.min(ms, 120_000)), () => node.start());
  },
  'crash-between': (world, random, ms) => {
    const node = random.pick(world.nodes);
    atBoundary(world, random, node, (where) => {
      node.crash(where);
      world.time.after(random.mostlySmall(500, Math.min(ms, 120_000)), () => node.start());
    });
  },
  restart: (world, random) => {
    const node = random.pick(world.nodes);
    node.stop();
    world.time.after(random.between(11_000, 30_000), () => node.start());
  },
  pause: (world, random, ms) => pause(world, random.pick(world.nodes), ms, 'stopped'),
  'pause-between': (world, random, ms) => {
    const node = random.pick(world.nodes);
    atBoundary(world, random, node, (where) => pause(world, node, ms, where));
  },
  'cut-store': (world, random, ms) => cut(world, random.pick(world.nodes).id, 'store', ms),
  'cut-docker': (world, random, ms) => cut(world, random.pick(world.nodes).id, 'docker', ms),
  'cut-nodes': (world, random, ms) => {
    const node = random.between(0, 2);
    cut(world, `n${node + 1}`, `n${((node + random.between(1, 2)) % 3) + 1}`, ms);
  },
  'slow-network': (world, random, ms) => {
    const link = world.network.link(
      random.pick(world.nodes).id,
      random.pick(['store', 'docker', 'n1', 'n2', 'n3']),
    );
    link.slowMs = random.pick([50, 500, 5_000]);
    world.time.after(ms, () => {
      link.slowMs = DELAY_MS;
    });
  },
  glitch: ({ nodes }, random) => {
    const { life } = random.pick(nodes);
    if (life !== null && life.process.state === 'running') life.store.session.glitch();
  },
  'false-alarm': ({ ensemble, trace }) => {
    const [first] = ensemble.candidates;
    if (first === undefined) return;
    trace.add('fault', 'false alarm', first.member.id);
    ensemble.withdraw(first.id);
  },
  gap: ({ nodes }, random) => {
    const { life } = random.pick(nodes);
    if (life !== null) life.store.log.gapAhead = true;
  },
  'slow-log': ({ nodes, time }, random, ms) => {
    const { life } = random.pick(nodes);
    if (life === null) return;
    life.store.log.slowMs = random.pick([20, 300, 2_000]);
    time.after(ms, () => {
      life.store.log.slowMs = 0;
    });
  },
  'clock-step': ({ nodes, trace, clocks, time }, random) => {
    const node = random.pick(nodes);
    const byMs = random.chance(0.5) ? random.between(1, 180_000) : -random.between(1, 55_000);
    trace.add('fault', `clock of ${node.id} steps`, { byMs });
    node.wall.offsetMs += byMs;
    clocks.setAt = time.now;
  },
  'clock-set-back': ({ nodes, trace, clocks, time }, random) => {
    const node = random.pick(nodes);
    const byMs = -random.between(61_000, 480_000);
    trace.add('fault', `clock of ${node.id} is set back`, { byMs });
    node.wall.offsetMs += byMs;
    clocks.setAt = time.now;
  },
  /** All clocks: what one node decides, another that takes over has to live with. */
  'clocks-astray': ({ nodes, trace, clocks, time }, random, ms) => {
    const byMs = random.between(600_000, 28_800_000);
    trace.add('fault', 'all clocks go astray', { byMs, ms });
    for (const { wall } of nodes) wall.offsetMs += byMs;
    clocks.setAt = time.now;
    time.after(ms, () => {
      trace.add('fault', 'all clocks are set right');
      for (const { wall } of nodes) wall.offsetMs -= byMs;
      clocks.setAt = time.now;
    });
  },
  'engine-down': (world, random, ms) => {
    const engine = anEngine(world, random);
    world.trace.add('fault', `${engine.place} is down`, { ms });
    engine.down += 1;
    world.time.after(ms, () => {
      engine.down -= 1;
    });
  },
  'engine-hangs': (world, random, ms) => {
    const engine = anEngine(world, random);
    engine.hangMs = random.pick([300, 3_000, 15_000, 60_000]);
    world.trace.add('fault', `${engine.place} hangs`, { ms, hangMs: engine.hangMs });
    world.time.after(ms, () => {
      engine.hangMs = 0;
    });
  },
  'engine-crowded': ({ docker, time, trace }, random, ms) => {
    docker.crowded = random.pick([0.2, 0.9, 1]);
    trace.add('fault', 'docker has no place for some', { ms, share: docker.crowded });
    time.after(ms, () => {
      docker.crowded = 0;
    });
  },
  'engine-deaf': (world, random, ms) => {
    const engine = anEngine(world, random);
    engine.deafness = 0.5;
    world.time.after(ms, () => {
      engine.deafness = 0;
    });
  },
  forget: (world, random) => {
    const engine = anEngine(world, random);
    const held = [...engine.held.values()].filter(({ report }) => report.state !== 'ended');
    if (held.length === 0) return;
    const one = random.pick(held);
    world.trace.add('fault', `${engine.place} forgets`, one.spec.launchName);
    engine.forget(one);
  },
  reboot: (world, random, ms) => {
    const node = random.pick(world.nodes);
    node.crash('reboot');
    node.processes.reboot();
    world.time.after(random.mostlySmall(2_000, Math.min(ms, 120_000)), () => node.start());
  },
} satisfies Record<string, Fault>;

export type FaultKind = keyof typeof faults;
export const faultKinds = Object.keys(faults) as FaultKind[];

/** Most faults of one kind in an hour, on average; some seeds are rough. */
const MOST_PER_HOUR = [20, 40, 150] as const;

/**
 * Plans faults until `until`; all of them are undone by then. Each seed has some kinds only: what hides behind
 * one fault shows without it.
 */
export function planFaults(world: World, seed: number, kinds: readonly FaultKind[], until: number): void {
  const mostPerHour = new Random(seed, 'roughness').pick(MOST_PER_HOUR);
  for (const kind of kinds) {
    const random = new Random(seed, kind);
    if (random.chance(0.5)) continue;
    const everyMs = 3_600_000 / (1 + random.next() ** 2 * mostPerHour);
    for (let at = 20_000 - Math.log(1 - random.next()) * everyMs; at < until; ) {
      const own = new Random(Math.floor(random.next() * 2 ** 32));
      const ms = Math.min(minutes(own, 3), until - at);
      world.time.after(at, () => (faults[kind] as Fault)(world, own, ms));
      at -= Math.log(1 - random.next()) * everyMs;
    }
  }
}

/** Within the next boundaries of the node's ports; given up after a while. */
function atBoundary(world: World, random: Random, node: SimNode, act: (where: string) => void): void {
  let left = random.mostlySmall(0, 60);
  const mine = (where: string): void => {
    if (left > 0) {
      left -= 1;
      return;
    }
    node.onBoundary = null;
    act(where);
  };
  node.onBoundary = mine;
  world.time.after(60_000, () => {
    if (node.onBoundary === mine) node.onBoundary = null;
  });
}

function pause({ time, trace }: World, node: SimNode, ms: number, where: string): void {
  const process = node.life?.process;
  if (process?.state !== 'running') return;
  trace.add(node.id, 'is stopped', { where, ms });
  process.pause();
  time.after(ms, () => {
    if (!process.dead) trace.add(node.id, 'goes on');
    process.resume();
  });
}

function cut({ time, trace, network }: World, a: string, b: string, ms: number): void {
  trace.add('fault', `cut ${a} from ${b}`, { ms });
  const link = network.link(a, b);
  link.cut();
  time.after(ms, () => {
    trace.add('fault', `heal ${a} to ${b}`);
    link.heal();
  });
}

function anEngine({ docker, nodes }: World, random: Random): Engine {
  return random.chance(0.5) ? docker : random.pick(nodes).processes;
}

/** Nobody is left stopped, dead or disarmed by what was planned near the end. */
export function healAll({ nodes }: World): void {
  for (const node of nodes) {
    node.onBoundary = null;
    node.life?.process.resume();
    node.start();
  }
}
