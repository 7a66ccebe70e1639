/**
 * Who is told of which change: one function for each path and kind of watch, called once. The servers' watches end
 * with the connection and so do these; they are not set again, as owners read anew after every connection.
 */

import type { Log } from '../../../scheduler/ports.ts';
import type { Call } from './call.ts';

/** `data`: made, changed or removed; `children`: a child made or removed, or the node removed. */
export type WatchKind = 'data' | 'children';

export interface Watch {
  readonly kind: WatchKind;
  readonly path: string;
  onChange(): void;
}

/** The numbers of the protocol. */
const removed = 2;
const childrenChanged = 4;

export class ZooKeeperWatches {
  readonly #log: Log;
  /** Bounded by the paths that the owners read with a watch, a handful. */
  readonly #functions = new Map<string, () => void>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The call, which sets the watch when it is sent and answered. */
  watching<T>(call: Call<T>, { kind, path, onChange }: Watch): Call<T> {
    const arm = (): void => {
      this.#functions.set(`${kind} ${path}`, onChange);
    };
    // Now, for a notice that overtakes the answer; and again with the answer, in case the notice of an older
    // watch of this path comes in between and uses the function up.
    arm();
    const { missing } = call;
    return {
      ...call,
      read(frame, offset) {
        arm();
        return call.read(frame, offset);
      },
      missing:
        missing &&
        (() => {
          arm();
          return missing();
        }),
    };
  }

  /** Takes a notice of the server. */
  tell({ type, path }: { readonly type: number; readonly path: string }): void {
    if (type !== childrenChanged) this.#call(`data ${path}`);
    if (type === childrenChanged || type === removed) this.#call(`children ${path}`);
  }

  clear(): void {
    this.#functions.clear();
  }

  #call(key: string): void {
    const onChange = this.#functions.get(key);
    if (onChange === undefined) return;
    this.#functions.delete(key);
    try {
      onChange();
    } catch (error) {
      this.#log.error({ error, watch: key }, 'zookeeper.watch-failed');
    }
  }
}
