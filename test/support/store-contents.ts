/** All that a store answers, in one form that can be compared with what another store, or release, answers. */

import type { Store } from '../../src/scheduler/ports.ts';

interface Contents {
  readonly present: Readonly<Record<string, unknown[]>>;
  readonly past: Readonly<Record<string, unknown>>;
}

/** What is loaded, by kind, and the past of each job that has a state or a definition. */
export async function everything(store: Store): Promise<Contents> {
  const present: Record<string, { name?: string; id?: string }[]> = {};
  for await (const items of store.load())
    for (const { kind, value } of items) {
      present[kind] ??= [];
      present[kind].push(value);
    }
  const names = [...(present.job ?? []), ...(present.state ?? [])].map(({ name }) => name as string);
  const past: Record<string, unknown> = {};
  for (const job of new Set(names)) {
    const { archive } = store;
    past[job] = {
      runs: (await archive.runs({ job, limit: 1_000 })).items,
      revisions: await archive.revisions(job),
      ledger: await archive.ledger({ job, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100_000 }),
      days: await archive.days({ job, fromDay: '0', toDay: '9' }),
    };
  }
  return byKey({ present, past });
}

/** The values of each kind in the order of their keys: stores load in any order. */
export function byKey({ present, past }: Contents): Contents {
  const keyOf = (value: unknown): string => {
    const { id, name } = value as { id?: string; name?: string };
    return id ?? name ?? '';
  };
  const sorted = Object.entries(present).map(([kind, values]) => [
    kind,
    values.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
  ]);
  return { present: Object.fromEntries(sorted), past };
}
