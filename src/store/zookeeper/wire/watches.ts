/**
 * Watches: one function per path and kind, called once. The servers' watches end with the connection and so
 * do these; they are not set again, because owners read again after every connection.
 */

import type { Log } from '../../../scheduler/ports.ts';
import type { Call } from './call.ts';

/**
 * `data`: created, changed or removed; `children`: a child was created or removed, or the node was removed.
 */
export type WatchKind = 'data' | 'children';

export interface Watch {
  readonly kind: WatchKind;
  readonly path: string;
  onChange(): void;
}

/** Event types of the protocol. */
const removed = 2;
const childrenChanged = 4;

export class ZooKeeperWatches {
  readonly #log: Log;
  /** Limited by the paths that owners read with a watch, a handful. */
  readonly #functions = new Map<string, () => void>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Wraps the call, which sets the watch when it is sent and answered. */
  watching<T>(call: Call<T>, { kind, path, onChange }: Watch): Call<T> {
    const arm = (): void => {
      this.#functions.set(`${kind} ${path}`, onChange);
    };
    // Now, for an event that overtakes the response; and again with the response, in case the event of an
    // older watch of this path arrives in between and consumes the function.
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

  /** Handles an event of the server. */
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
