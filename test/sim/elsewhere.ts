/** An engine that only another node reaches, asked through that node's scheduler, if it is up and follows. */

import { CarillonError } from '../../src/errors.ts';
import type { LocalEngine, SchedulerHandle } from '../../src/scheduler/handle.ts';
import { type Network, Unanswered } from './network.ts';
import type { Process } from './process.ts';

const ANSWER_MS = 3_000;

export interface Other {
  readonly process: Process;
  readonly scheduler: SchedulerHandle;
}

export function throughNode(
  from: Process,
  network: Network,
  at: { readonly engine: string; readonly host: string },
  find: () => Other | null,
): LocalEngine {
  const link = network.link(from.node, at.host);
  async function ask<T>(what: string, act: (engine: LocalEngine) => Promise<T>): Promise<T> {
    const carryOut = (): Promise<T> => {
      const other = find();
      // Nobody listens there: refused, or silence.
      if (other === null || other.process.dead)
        throw new CarillonError('ENGINE_UNAVAILABLE', `${at.host} is down`);
      return new Promise((resolve, reject) =>
        other.process.deliver(() => {
          try {
            act(other.scheduler.local(at.engine)).then(resolve, reject);
          } catch (error) {
            reject(error);
          }
        }),
      );
    };
    try {
      return await network.call({
        from,
        link,
        what: `${at.host}: ${what}`,
        at: carryOut,
        timeoutMs: ANSWER_MS,
      });
    } catch (error) {
      if (!(error instanceof Unanswered) && !(error instanceof CarillonError)) throw error;
      throw new CarillonError('ENGINE_UNAVAILABLE', `the node ${at.host} does not respond: ${error.message}`);
    }
  }
  return {
    inventory: () => ask('inventory', (engine) => engine.inventory()),
    kill: (launchName, graceMs) => ask('kill', (engine) => engine.kill(launchName, graceMs)),
    takeBack: (launchName) => ask('take-back', (engine) => engine.takeBack(launchName)),
    remove: (launchName) => ask('remove', (engine) => engine.remove(launchName)),
  };
}
