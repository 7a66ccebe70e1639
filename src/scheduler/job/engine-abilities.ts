/**
 * What an engine can and can't honour of a job: each engine states it as data, read when a job is submitted, so that
 * nothing a person wrote is ever silently left out. A job that passes means the same on every engine.
 */

import { CarillonError } from '../../errors.ts';
import type { RunDefinition } from './definition.ts';

/** One thing that an engine can't do. */
export interface Inability {
  /** Below `run`. */
  readonly field: string;
  readonly why: string;
  /** What the job asks for of it; undefined: nothing. */
  readonly asked: (run: RunDefinition) => unknown;
}

export interface EngineAbilities {
  /** It runs images, and nothing else; otherwise it runs commands on the scheduler's host. */
  readonly images: boolean;
  /** It makes launches ready before they are due. */
  readonly ahead: boolean;
  readonly inabilities: readonly Inability[];
}

/** The engine can do nothing with `run.<field>`, whatever its value. */
export const unable = (field: keyof RunDefinition, why: string): Inability => ({
  field,
  why,
  asked: (run) => run[field],
});

/** UNSUPPORTED_BY_ENGINE, by field and with the reason, for anything that the engine would have to ignore. */
export function checkAbilities(run: RunDefinition, engine: string, abilities: EngineAbilities): void {
  const unsupported = (name: string, value: unknown, why: string): CarillonError =>
    new CarillonError('UNSUPPORTED_BY_ENGINE', `the engine '${engine}' can not honour run.${name}: ${why}`, {
      field: `run.${name}`,
      value,
    });
  if (abilities.images && run.image === undefined) throw unsupported('image', null, 'it needs an image');
  for (const { field: name, why, asked } of abilities.inabilities) {
    const value = asked(run);
    if (value !== undefined) throw unsupported(name, value, why);
  }
}
