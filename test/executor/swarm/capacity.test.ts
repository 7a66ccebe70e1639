/** How long one look at the nodes serves launches. Managers that are slow on demand are made up. */

import { beforeEach, describe, expect, test } from 'vitest';
import { SwarmCapacity } from '../../../src/executor/swarm/capacity.ts';
import type { SwarmEngine } from '../../../src/executor/swarm/engine.ts';
import type { SwarmNode } from '../../../src/executor/swarm/state.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { dockerSpec } from '../docker/harness.ts';

const missing = 'no node of the Swarm is ready and accepts jobs';

describe('a look at the nodes', () => {
  let clock: SimClock;
  let look: SwarmCapacity;
  let isReady: boolean;
  let tookMs: number;
  let asked: number;
  beforeEach(() => {
    clock = new SimClock(0);
    [isReady, tookMs, asked] = [false, 0, 0];
    const nodes = async (): Promise<SwarmNode[]> => {
      asked++;
      const State = isReady ? 'ready' : 'unknown';
      await new Promise<void>((resolve) => clock.after(tookMs, resolve));
      const node = { ID: 'a', Spec: { Availability: 'active' }, Status: { State }, Description: {} };
      return [node as SwarmNode];
    };
    look = new SwarmCapacity({ nodes } as SwarmEngine, clock);
  });
  const occupy = async (): Promise<string | null> => {
    const answer = look.occupy(dockerSpec('exit 0'));
    await clock.advance(tookMs);
    return answer;
  };

  test('serves all launches of a second', async () => {
    expect(await occupy()).toBe(missing);
    isReady = true;
    await clock.advance(999);
    expect(await occupy()).toBe(missing);
    await clock.advance(1);
    expect(await occupy()).toBeNull();
    expect(asked).toBe(2);
  });

  test('spares managers that are slow', async () => {
    tookMs = 500;
    await occupy();
    await clock.advance(4_499);
    expect(asked).toBe(1);
    const again = look.occupy(dockerSpec('exit 0'));
    await clock.advance(1);
    await again;
    await occupy();
    expect(asked).toBe(2);
  });

  test('does not stay blind because the managers were electing a leader when it was made', async () => {
    tookMs = 15_000;
    expect(await occupy()).toBe(missing);
    isReady = true;
    tookMs = 0;
    await clock.advance(10_000);
    expect(await occupy()).toBeNull();
  });
});
