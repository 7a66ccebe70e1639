import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSoloElection } from '../../src/store/election-solo.ts';
import { createEmbeddedStore, type EmbeddedStore } from '../../src/store/embedded/store.ts';
import { createMemoryBacking, createMemoryStore } from '../../src/store/memory.ts';
import { electionConformance } from '../conformance/election.ts';
import { testMember } from '../support/rig.ts';

electionConformance('solo, memory', async () => {
  const backing = createMemoryBacking();
  return {
    candidate: async () => createSoloElection(createMemoryStore(backing), testMember),
    cleanup: async () => undefined,
  };
});

electionConformance('solo, embedded', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-election-'));
  let store: EmbeddedStore | null = null;
  return {
    candidate: async () => {
      await store?.close();
      store = createEmbeddedStore({ dir: join(dir, 'store') });
      await store.open();
      return createSoloElection(store, testMember);
    },
    cleanup: async () => {
      await store?.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
});
