import { describe, expect, test } from 'vitest';
import { knownEngines } from '../../../src/node/engines.ts';
import type { RunDefinition } from '../../../src/scheduler/job/definition.ts';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { engineFor } from '../../../src/scheduler/rules/engine-choice.ts';
import { abilities } from '../../support/engines.ts';

const settings = (...names: (keyof typeof abilities)[]): Settings => ({
  engines: Object.fromEntries(
    names.map((name) => [name, { concurrency: 1, abilities: abilities[name], tombstoneMs: 1 }]),
  ),
  known: knownEngines,
  pools: {},
});
const command: RunDefinition = { command: 'true' };
const image: RunDefinition = { image: 'busybox' };

describe('the engine of a job', () => {
  test.each<[string, RunDefinition, Settings, string]>([
    [
      'is the one it asks for',
      { ...image, engine: 'swarm' },
      settings('process', 'docker', 'swarm'),
      'swarm',
    ],
    ['is the process engine without an image', command, settings('process', 'docker'), 'process'],
    ['is the first that runs images with one', image, settings('process', 'docker', 'swarm'), 'docker'],
    ['is the swarm where that is all there is', image, settings('process', 'swarm'), 'swarm'],
  ])('%s', (_, run, given, expected) => {
    expect(engineFor(run, given)).toBe(expected);
  });

  test.each<[string, RunDefinition, Settings, { field: string; words: string[] }]>([
    [
      'one that could be there: what is, and how to have it',
      { ...image, engine: 'swarm' },
      settings('process', 'docker'),
      { field: 'run.engine', words: ['swarm is not configured', 'process, docker are', '--swarm-host'] },
    ],
    [
      'a misspelt one: which was meant',
      { ...image, engine: 'dokcer' },
      settings('process'),
      { field: 'run.engine', words: ['dokcer', 'process is.', 'Did you mean docker?'] },
    ],
    [
      'one that nobody knows',
      { ...image, engine: 'mesos-1' },
      settings('process'),
      { field: 'run.engine', words: ['mesos-1 is not configured here; process is.'] },
    ],
    [
      'an image, and nothing to run it: the ways to have that',
      image,
      settings('process'),
      { field: 'run.image', words: ['busybox', '--docker-host or --swarm-host'] },
    ],
  ])('is refused, %s', (_, run, given, { field, words }) => {
    expect(() => engineFor(run, given)).toThrow(
      expect.objectContaining({
        code: 'ENGINE_NOT_CONFIGURED',
        details: expect.objectContaining({ field, allowed: Object.keys(given.engines) }),
      }),
    );
    for (const word of words) expect(() => engineFor(run, given)).toThrow(word);
  });
});
