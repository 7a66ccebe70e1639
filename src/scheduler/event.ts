/** All events. Each carries the wall time at which it was accepted. */

import type { Command } from './command.ts';
import type { Trouble } from './model/alert.ts';
import type { OtherNode } from './model/model.ts';
import type { LaunchReport, Observation } from './ports.ts';

export type Event =
  | { readonly kind: 'command'; readonly now: number; readonly command: Command }
  /** Time has passed: decide everything that is due by now. */
  | { readonly kind: 'tick'; readonly now: number }
  /** `instant` has almost come: decide already what is due then, so that it is durable when it comes. */
  | { readonly kind: 'coming'; readonly now: number; readonly instant: number }
  /** This node leads from now on. `state` has everything that is stored. */
  | {
      readonly kind: 'leading';
      readonly now: number;
      readonly term: number;
      /** How far this node's clock is ahead of the last leader's. Null: nothing is known. */
      readonly clockAhead: ClockAhead | null;
      /** How long no node led before, as far as this one knows. Absent: not at all. */
      readonly unledMs?: number;
      /** Its id, for the audit. Absent: that has no line. */
      readonly node?: string;
    }
  | { readonly kind: 'inventory'; readonly now: number; readonly inventory: Inventory }
  | {
      readonly kind: 'observed';
      readonly now: number;
      readonly observation: Observation;
      /** The host that tells of it: only of its own launches. Absent: an engine of this node. */
      readonly by?: { readonly engine: string; readonly host: string };
    }
  /** The engine refused this attempt. */
  | { readonly kind: 'refused'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The engine has no capacity for this attempt and created nothing. */
  | { readonly kind: 'unplaced'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The engine was unreachable. */
  | { readonly kind: 'deferred'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The only node that reaches this engine has not responded within the time limit. */
  | { readonly kind: 'host-lost'; readonly now: number; readonly engine: string; readonly host: string }
  /** The other nodes that respond and accept launches; no other node gets any. */
  | { readonly kind: 'nodes'; readonly now: number; readonly nodes: readonly OtherNode[] }
  /** The leader has looked whether what it depends on works. */
  | { readonly kind: 'looked'; readonly now: number; readonly troubles: readonly Trouble[] }
  /** A receiver has accepted a notification, or it will not be tried again for this reason. */
  | { readonly kind: 'notified'; readonly now: number; readonly id: string; readonly error: string | null }
  /** The wall clock was set ahead or back. `now` is the new time. */
  | { readonly kind: 'clock-set'; readonly now: number; readonly byMs: number };

/**
 * How far one clock is ahead of another. A range, because the other is known from decisions that may have arrived
 * late: then it seems further behind than it is.
 */
export interface ClockAhead {
  /** The value in the range that is closest to 0. */
  readonly leastMs: number;
  readonly mostMs: number;
}

/** All launches that an engine has. */
export interface Inventory {
  readonly engine: string;
  /** The node whose own engine it is; null where every node reaches the engine. */
  readonly host: string | null;
  readonly reports: readonly LaunchReport[];
  /** Launches that were known to run when it was asked for: what started since may be missing in it. */
  readonly running: ReadonlySet<string>;
  /** When it came, by a clock that is never set. */
  readonly monotonicMs: number;
  /** The first inventory of this term: launches of older terms are asked for again. */
  readonly takeOver: boolean;
}
