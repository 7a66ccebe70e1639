/** How much of a job's past is kept as it grows with each checkpoint. */

import { expect, test } from 'vitest';
import { encodeWrites } from '../../../src/scheduler/records/stored.ts';
import { addToPast, piecesFor, readPasts } from '../../../src/store/zookeeper/past.ts';
import { Generation } from '../../../src/store/zookeeper/pending.ts';
import type { NodeData, ZooKeeperSession } from '../../../src/store/zookeeper/wire/session.ts';
import { ended, line } from '../../conformance/store.ts';

/** The nodes of one job's past, written checkpoint by checkpoint. */
function written(perCheckpoint: number, checkpoints: number, owners: number) {
  const nodes = new Map<string, NodeData>();
  let folder = '';
  for (let checkpoint = 0; checkpoint < checkpoints; checkpoint++) {
    const generation = new Generation(0);
    const group = Array.from({ length: perCheckpoint }, (_, i) => checkpoint * perCheckpoint + i + 1).flatMap(
      (index) => [
        { kind: 'run-ended', value: ended('a', index) } as const,
        { kind: 'ledger', value: line('a', index) } as const,
      ],
    );
    generation.take(checkpoint, encodeWrites([group]));
    for (const [each, pasts] of generation.pasts) {
      folder = each;
      const ops = addToPast(each, 'a', {
        node: nodes.get([...nodes.keys()].find((path) => !/\/\d+$/.test(path)) ?? '') ?? null,
        newer: pasts.get('a') ?? new Map(),
        maxPieces: piecesFor(owners),
      });
      for (const op of ops) {
        if (op.kind === 'remove') nodes.delete(op.path);
        else if (op.kind === 'create' || op.kind === 'set')
          nodes.set(op.path, { data: Buffer.from(op.data), version: 0 });
      }
    }
  }
  const getMany: ZooKeeperSession['getMany'] = async (paths) => paths.map((path) => nodes.get(path) ?? null);
  return { nodes, read: () => readPasts({ getMany } as ZooKeeperSession, folder, ['a']) };
}

test.each([
  ['few at a time', 7, 600],
  ['a hundred at a time', 100, 40],
  ['a thousand at a time', 1_000, 4],
])(
  'of a job in a small installation 3,200 runs and as many ledger entries are kept, written %s',
  async (_, perCheckpoint, checkpoints) => {
    const { nodes, read } = written(perCheckpoint, checkpoints, 18);
    const [past] = await read();
    for (const kind of ['run-ended', 'ledger'] as const) {
      const kept = past?.get(kind)?.size ?? 0;
      expect(kept, kind).toBeGreaterThanOrEqual(3_200);
      expect(kept, kind).toBeLessThanOrEqual(7_000);
    }
    expect(nodes.size).toBeLessThanOrEqual(33);
  },
);
