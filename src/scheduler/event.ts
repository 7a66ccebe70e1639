/** Everything that can enter. Each carries the wall time at which it was taken in. */

import type { Command } from './command.ts';
import type { Observation } from './ports.ts';
import type { Inventory } from './rules/reconcile.ts';

export type Event =
  | { readonly kind: 'command'; readonly now: number; readonly command: Command }
  /** Time has passed: whatever is due by now is decided. */
  | { readonly kind: 'tick'; readonly now: number }
  /** This node leads from now on, and `state` holds all that is stored. */
  | {
      readonly kind: 'leading';
      readonly now: number;
      readonly term: number;
      /** Of the one that the last leader decided by; null: nothing is known of that. */
      readonly clockAheadMs: number | null;
    }
  | { readonly kind: 'inventory'; readonly now: number; readonly inventory: Inventory }
  | { readonly kind: 'observed'; readonly now: number; readonly observation: Observation }
  /** The engine will not run this attempt. */
  | { readonly kind: 'refused'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The engine has no place for this attempt now, and nothing of it. */
  | { readonly kind: 'unplaced'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The engine could not be asked. */
  | { readonly kind: 'deferred'; readonly now: number; readonly launchName: string; readonly reason: string }
  /** The node that alone reaches this engine has not answered for longer than is waited for. */
  | { readonly kind: 'host-lost'; readonly now: number; readonly engine: string; readonly host: string }
  /** The wall clock was set, ahead or back: `now` is what it shows since. */
  | { readonly kind: 'clock-set'; readonly now: number; readonly byMs: number };
