/** An engine that only another node reaches, asked through that node's scheduler, if it is up and follows. */

import { CarillonError } from '../../src/errors.ts';
import type { SchedulerHandle } from '../../src/scheduler/handle.ts';
import type { Launcher, LocalEngine } from '../../src/scheduler/ports.ts';
import { type Network, Unanswered } from './network.ts';
import type { Process } from './process.ts';

const ANSWER_MS = 3_000;

export interface Other {
  readonly process: Process;
  readonly scheduler: SchedulerHandle;
  /** Launches that it starts for another node. */
  readonly lent: Set<string>;
  readonly launchers: readonly Launcher[];
}

export function throughNode(
  from: Process,
  network: Network,
  at: { readonly engine: string; readonly host: string },
  find: () => Other | null,
  /** Starts what the engine refuses to another node; of a part that is broken on purpose. */
  unfenced: boolean,
): Required<LocalEngine> {
  const link = network.link(from.node, at.host);
  async function ask<T>(
    what: string,
    act: (engine: Required<LocalEngine>, other: Other) => Promise<T>,
  ): Promise<T> {
    const carryOut = (): Promise<T> => {
      const other = find();
      // Nobody listens there: refused, or silence.
      if (other === null || other.process.dead)
        throw new CarillonError('ENGINE_UNAVAILABLE', `${at.host} is down`);
      return new Promise((resolve, reject) =>
        other.process.deliver(() => {
          try {
            act(other.scheduler.local(at.engine), other).then(resolve, reject);
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
    changes: (term, after) => ask('changes', (engine) => engine.changes(term, after)),
    launchFor: (spec, ticket) =>
      ask(`launch ${spec.launchName}`, (engine, other) => {
        other.lent.add(spec.launchName);
        const start = engine.launchFor(spec, ticket);
        if (!unfenced) return start;
        return start.catch((error: CarillonError) => {
          if (error.code !== 'NO_PLACE') throw error;
          return other.launchers.find((launcher) => launcher.engine === at.engine)?.launch(spec);
        });
      }),
    kill: (launchName, graceMs) => ask('kill', (engine) => engine.kill(launchName, graceMs)),
    takeBack: (launchName) => ask('take-back', (engine) => engine.takeBack(launchName)),
    remove: (launchName) => ask('remove', (engine) => engine.remove(launchName)),
  };
}
