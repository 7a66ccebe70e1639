import { createMemoryBacking, createMemoryStore } from '../../src/store/memory.ts';
import { storeConformance } from '../conformance/store.ts';

storeConformance('memory', async () => {
  const backing = createMemoryBacking();
  return {
    open: async () => createMemoryStore(backing),
    cleanup: async () => undefined,
    shared: true,
    cutsAtCommit: true,
  };
});
