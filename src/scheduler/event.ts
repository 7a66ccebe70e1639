/** All events. Each carries the wall time at which it was accepted. */

import type { Command } from './command.ts';
import type { LaunchReport, Observation } from './ports.ts';

export type Event =
  | { readonly kind: 'command'; readonly now: number; readonly command: Command }
  /** Time has passed: decide everything that is due by now. */
  | { readonly kind: 'tick'; readonly now: number }
  /** This node leads from now on. `state` has everything that is stored. */
  | {
      readonly kind: 'leading';
      readonly now: number;
      readonly term: number;
      /** Of the one that the last leader decided by; null: nothing is known of that. */
      readonly clockAheadMs: number | null;
    }
  | { readonly kind: 'inventory'; readonly now: number; readonly inventory: Inventory }
  | { readonly kind: 'observed'; readonly now: number; readonly observation: Observation }
  /** The engine refused this attempt. */
  | { readonly kind: 'refused'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The engine has no capacity for this attempt and created nothing. */
  | { readonly kind: 'unplaced'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The engine was unreachable. */
  | { readonly kind: 'deferred'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The only node that reaches this engine has not responded within the time limit. */
  | { readonly kind: 'host-lost'; readonly now: number; readonly engine: string; readonly host: string }
  /** The wall clock was set ahead or back. `now` is the new time. */
  | { readonly kind: 'clock-set'; readonly now: number; readonly byMs: number };

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
