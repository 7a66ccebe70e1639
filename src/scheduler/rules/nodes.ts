/**
 * On which node an attempt runs whose engine each node has: on the least loaded of those that the job allows and
 * that take launches. An attempt stays on its node.
 */

import { hash53 } from '../job/hash.ts';
import { allows, choiceOf, isForAll, isLeaderOnly } from '../job/node-choice.ts';
import type { Run } from '../model/model.ts';
import type { Limit, NodeLimit, Slots } from '../state/slots.ts';
import type { Entry, State } from '../state/state.ts';
import { engineLimit, hostOf } from './launch.ts';

/** Whether runs of the job on this engine may be placed on other nodes, or are on hosts of the engine. */
export const isSpread = ({ settings }: State, { job }: Entry, engine: string): boolean =>
  settings.engines[engine]?.onHosts === true || !isLeaderOnly(choiceOf(job.definition.run ?? {}));

/** The limit of an engine where an attempt is. Null: none. */
export function limitAt({ settings, others }: State, engine: string, host: string | null): Limit | null {
  if (host === null || host === hostOf(settings, engine)) return engineLimit(settings, engine);
  return nodeLimit(engine, host, others.find(({ id }) => id === host)?.capacity[engine] ?? 0);
}

/** The limit of an engine for runs of the job: that of this node, or of all nodes that may run it, which can be none. */
export function limitFor(state: State, entry: Entry, engine: string): Limit | null {
  const { settings } = state;
  const onHosts = settings.engines[engine]?.onHosts === true;
  const on = choiceOf(entry.job.definition.run ?? {}) ?? (onHosts ? 'any' : 'leader');
  const own = engineLimit(settings, engine);
  if (isLeaderOnly(on)) return own;
  const among: NodeLimit[] = [];
  const unlimited = {
    key: `engine:${engine}`,
    slots: Number.POSITIVE_INFINITY,
    kind: 'engine',
    name: engine,
  } as const;
  if (!onHosts && allows(on, settings.labels ?? {}))
    among.push({ ...(own ?? unlimited), host: hostOf(settings, engine) });
  for (const { id, labels, capacity, isAll = false } of state.others)
    if (isForAll(on) === isAll && (isAll || allows(on, labels)) && capacity[engine] !== undefined)
      among.push(nodeLimit(engine, id, capacity[engine]));
  const slots = among.reduce((sum, each) => sum + each.slots, 0);
  return { key: `engine:${engine} on ${on}`, slots, kind: 'engine', name: engine, among };
}

const nodeLimit = (engine: string, host: string, slots: number): NodeLimit => ({
  key: `engine:${engine}@${host}`,
  slots,
  kind: 'engine',
  name: engine,
  host,
});

/** The node with the smallest share of its slots in use. Of equal ones, another one for each run. */
export function leastLoaded(slots: Slots, among: readonly NodeLimit[], run: Run): NodeLimit | null {
  let best: { readonly at: NodeLimit; readonly load: number; readonly draw: number } | null = null;
  for (const at of among) {
    if (slots.isFull(at)) continue;
    const load = slots.inUse(at.key) / at.slots;
    const draw = hash53(`${run.id} ${at.host}`);
    if (best === null || load < best.load || (load === best.load && draw < best.draw))
      best = { at, load, draw };
  }
  return best?.at ?? null;
}
