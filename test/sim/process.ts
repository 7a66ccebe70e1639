/**
 * One life of a scheduler's process. It can die between any two steps, and it can be stopped and go on as if
 * nothing had happened: what came meanwhile then comes at once, timers and messages in any order among each other.
 */

import type { Clock } from '../../src/scheduler/ports.ts';
import type { Random } from './random.ts';
import type { SimTime } from './time.ts';

type Step = () => void;

/** A node's wall clock; outlives its processes. */
export interface WallClock {
  /** Ahead of the simulated time. */
  offsetMs: number;
  readonly driftPpm: number;
  readonly epochMs: number;
  /** The latest time that it ever showed. */
  latest: number;
}

/** What it shows. */
export function shownBy(wall: WallClock, time: SimTime): number {
  const now = wall.epochMs + time.now + Math.round(wall.offsetMs + (time.now * wall.driftPpm) / 1e6);
  wall.latest = Math.max(wall.latest, now);
  return now;
}

export class Process {
  readonly node: string;
  readonly clock: Clock;
  readonly time: SimTime;
  state: 'running' | 'paused' | 'dead' = 'running';
  /** Called at each boundary of a port: a crash or a pause may be waiting for one. */
  onBoundary: ((where: string) => void) | null = null;
  readonly onPause: (() => void)[] = [];
  readonly onResume: (() => void)[] = [];
  readonly onDeath: (() => void)[] = [];
  readonly #random: Random;
  readonly #timers: Step[] = [];
  readonly #messages: Step[] = [];
  #catchingUp = false;

  constructor(node: string, time: SimTime, wall: WallClock, random: Random) {
    this.node = node;
    this.time = time;
    this.#random = random;
    this.clock = {
      now: () => shownBy(wall, time),
      monotonicMs: () => time.now,
      after: (delayMs, callback) => {
        if (this.state === 'dead') return () => undefined;
        let wanted = true;
        const cancel = time.after(delayMs, () => this.#take(this.#timers, () => wanted && callback()));
        return () => {
          wanted = false;
          cancel();
        };
      },
    };
  }

  get dead(): boolean {
    return this.state === 'dead';
  }

  /** Something comes in from outside. */
  deliver(step: Step): void {
    this.#take(this.#messages, step);
  }

  boundary(where: string): void {
    if (this.state === 'running') this.onBoundary?.(where);
  }

  die(): void {
    if (this.dead) return;
    this.state = 'dead';
    this.#timers.length = 0;
    this.#messages.length = 0;
    for (const listener of this.onDeath) listener();
  }

  pause(): void {
    if (this.state !== 'running') return;
    this.state = 'paused';
    for (const listener of this.onPause) listener();
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    for (const listener of this.onResume) listener();
    this.#catchUp();
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  #take(queue: Step[], step: Step): void {
    if (this.dead) return;
    if (this.state === 'running' && !this.#catchingUp) step();
    else queue.push(step);
  }

  /** One step an event, so that what follows from it by promises comes before the next. */
  #catchUp(): void {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    const next = (): void => {
      if (this.state !== 'running') {
        this.#catchingUp = false;
        return;
      }
      const queues = [this.#timers, this.#messages].filter((queue) => queue.length > 0);
      if (queues.length === 0) {
        this.#catchingUp = false;
        return;
      }
      this.#random.pick(queues).shift()?.();
      this.time.after(0, next);
    };
    this.time.after(0, next);
  }
}
