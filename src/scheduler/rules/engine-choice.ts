/** Which engine launches a job: the one that it asks for, or the first that can run it. */

import { CarillonError, invariant } from '../../errors.ts';
import type { RunDefinition } from '../job/definition.ts';
import { checkAbilities, type EngineKind, runsImages } from '../job/engine-abilities.ts';
import { nearest } from '../job/schema/nearest.ts';
import type { Settings } from '../model/model.ts';

/** The setting by which a scheduler gets an engine; null: it always has it. */
const settingOf: Readonly<Record<EngineKind, string | null>> = {
  process: null,
  docker: '--docker-host',
  swarm: '--swarm-host',
};
const kinds = Object.keys(settingOf) as EngineKind[];

/** ENGINE_NOT_CONFIGURED where there is none. */
export function engineFor(run: RunDefinition, settings: Settings): string {
  if (run.engine !== undefined) {
    if (Object.hasOwn(settings.engines, run.engine)) return run.engine;
    throw notConfigured(run.engine, settings);
  }
  const images = run.image !== undefined;
  const engine = Object.entries(settings.engines).find(([, { kind }]) => runsImages(kind) === images)?.[0];
  if (engine !== undefined) return engine;
  const allowed = Object.keys(settings.engines);
  const ways = kinds.flatMap((kind) => (runsImages(kind) ? (settingOf[kind] ?? []) : []));
  const message = images
    ? `No engine here runs images, and the job has the image ${run.image}. Start the scheduler with ${ways.join(' or ')}`
    : 'No engine here runs processes, and the job has no image';
  throw new CarillonError('ENGINE_NOT_CONFIGURED', message, {
    field: images ? 'run.image' : 'run',
    value: run.image ?? null,
    allowed,
  });
}

/** UNSUPPORTED_BY_ENGINE for anything the engine would have to ignore. */
export function checkEngine(run: RunDefinition, settings: Settings): void {
  const engine = engineFor(run, settings);
  const kind = settings.engines[engine]?.kind;
  invariant(kind !== undefined, `the engine ${engine} is configured`);
  checkAbilities(run, { engine, kind });
}

function notConfigured(engine: string, settings: Settings): CarillonError {
  const allowed = Object.keys(settings.engines);
  const known = kinds.find((kind) => kind === engine);
  const meant = nearest(engine, [...new Set([...allowed, ...kinds])]);
  const setting = known === undefined ? null : settingOf[known];
  const hint =
    setting !== null
      ? ` Start the scheduler with ${setting} to have it.`
      : meant === null
        ? ''
        : ` Did you mean ${meant}?`;
  const there = `${allowed.join(', ')} ${allowed.length === 1 ? 'is' : 'are'}`;
  return new CarillonError(
    'ENGINE_NOT_CONFIGURED',
    `The engine ${engine} is not configured here; ${there}.${hint}`,
    { field: 'run.engine', value: engine, allowed },
  );
}
