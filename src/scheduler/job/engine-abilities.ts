/**
 * What an engine supports of a job. Each engine states it as data, which is checked when a job is submitted,
 * so that no setting is silently ignored. An accepted job means the same on every engine.
 */

import { CarillonError } from '../../errors.ts';
import type { RunDefinition } from './definition.ts';

/** A setting that an engine does not support. */
export interface Inability {
  /** Below `run`. */
  readonly field: string;
  readonly why: string;
  /** The value that the job requests; undefined: none. */
  readonly asked: (run: RunDefinition) => unknown;
}

export interface EngineAbilities {
  /** The engine runs only images; otherwise it runs commands on the scheduler's host. */
  readonly images: boolean;
  /** Why the engine cannot prepare launches before they are due, by the field of `policy` that asks for it. Null: it can. */
  readonly ahead: Readonly<Record<'prestage' | 'warmStart', string | null>>;
  readonly inabilities: readonly Inability[];
}

/** The engine does not support `run.<field>`, whatever its value. */
export const unable = (field: keyof RunDefinition, why: string): Inability => ({
  field,
  why,
  asked: (run) => run[field],
});

/**
 * UNSUPPORTED_BY_ENGINE, with the field and the reason, for each setting that the engine would have to
 * ignore.
 */
export function checkAbilities(run: RunDefinition, engine: string, abilities: EngineAbilities): void {
  const unsupported = (name: string, value: unknown, why: string): CarillonError =>
    new CarillonError(
      'UNSUPPORTED_BY_ENGINE',
      `The engine '${engine}' does not support run.${name}: ${why}`,
      {
        field: `run.${name}`,
        value,
      },
    );
  if (abilities.images && run.image === undefined) throw unsupported('image', null, 'it requires an image');
  for (const { field: name, why, asked } of abilities.inabilities) {
    const value = asked(run);
    if (value !== undefined) throw unsupported(name, value, why);
  }
}
