/** Chooses the engine of a job: the one that it names, or the first that can run it. Asks the run policy whether it may. */

import { CarillonError, firstOf, invariant } from '../../errors.ts';
import type { Role } from '../access/principal.ts';
import type { JobDefinition, RunDefinition } from '../job/definition.ts';
import { checkAbilities } from '../job/engine-abilities.ts';
import { nearest } from '../job/schema/nearest.ts';
import { templateFields } from '../job/template.ts';
import type { EngineSettings, Job, Settings } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { policyFindings } from '../run-policy/check.ts';

/** ENGINE_NOT_CONFIGURED if there is none. */
export function engineFor(run: RunDefinition, settings: Settings): string {
  if (run.engine !== undefined) {
    if (Object.hasOwn(settings.engines, run.engine)) return run.engine;
    throw notConfigured(run.engine, settings);
  }
  const images = run.image !== undefined;
  const engine = Object.entries(settings.engines).find(
    ([, { abilities }]) => abilities.images === images,
  )?.[0];
  if (engine !== undefined) return engine;
  const allowed = Object.keys(settings.engines);
  const { known = [] } = settings;
  const ways = known.flatMap(({ abilities, flag }) => (abilities.images ? (flag ?? []) : []));
  const hint = ways.length === 0 ? '' : `. Start the scheduler with ${ways.join(' or ')}`;
  const message = images
    ? `No engine here runs images, but the job has the image ${run.image}${hint}`
    : 'No engine here runs processes, but the job has no image';
  throw new CarillonError('ENGINE_NOT_CONFIGURED', message, {
    field: images ? 'run.image' : 'run',
    value: run.image ?? null,
    allowed,
  });
}

/** UNSUPPORTED_BY_ENGINE for settings that the engine would have to ignore. */
export function checkEngine(run: RunDefinition, settings: Settings): void {
  const engine = engineFor(run, settings);
  checkAbilities(run, engine, engineSettings(engine, settings).abilities);
}

/** Settings of an engine that `engineFor` returned. */
export function engineSettings(engine: string, settings: Settings): EngineSettings {
  const found = settings.engines[engine];
  invariant(found !== undefined, `the engine ${engine} is configured`);
  return found;
}

/** POLICY_REFUSED with all that the run policy does not allow, for a job whose engine is configured. */
export function checkRunPolicy(definition: JobDefinition, role: Role | null, settings: Settings): void {
  if (settings.runPolicy == null || definition.run === undefined) return;
  const engine = engineFor(definition.run, settings);
  const problem = firstOf(foreseen(definition, policyProblems(definition, role, engine, settings)));
  if (problem !== null) throw problem;
}

/** What a template becomes is known at launch, and is judged then. */
function foreseen(definition: JobDefinition, problems: CarillonError[]): CarillonError[] {
  if (problems.length === 0) return problems;
  const open = new Set(templateFields(definition).map(({ field }) => field));
  return problems.filter(({ details }) => details.field === undefined || !open.has(details.field));
}

/** Whether the run policy allows launches of the job. */
export function isAllowed({ definition, role }: Job, settings: Settings): boolean {
  if (settings.runPolicy == null || definition.run === undefined) return true;
  const engine = engineFor(definition.run, settings);
  return foreseen(definition, policyProblems(definition, role ?? null, engine, settings)).length === 0;
}

/** Why a launch of the job is refused, whose definition has what the run is given. Null: it is allowed. */
export function policyRefusal(
  { definition, role }: Pick<Job, 'definition' | 'role'>,
  engine: string,
  settings: Settings,
): Reason | null {
  const [first, ...others] = policyProblems(definition, role ?? null, engine, settings);
  if (first === undefined) return null;
  const { field = 'run', names = [] } = first.details;
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  // A reason stands in parentheses.
  const text = `not allowed by the run policy: ${first.message.replace(/\.$/, '')}${more}`;
  return { code: 'policy-refused', field, rules: names, text };
}

function policyProblems(
  definition: JobDefinition,
  role: Role | null,
  engine: string,
  settings: Settings,
): CarillonError[] {
  if (settings.runPolicy == null) return [];
  const { abilities, onHosts = false } = engineSettings(engine, settings);
  return policyFindings(settings.runPolicy, {
    definition,
    role,
    engine: { name: engine, abilities, onHosts },
  });
}

function notConfigured(engine: string, settings: Settings): CarillonError {
  const allowed = Object.keys(settings.engines);
  const { known = [] } = settings;
  const meant = nearest(engine, [...new Set([...allowed, ...known.map(({ name }) => name)])]);
  const flag = known.find(({ name }) => name === engine)?.flag ?? null;
  const hint =
    flag !== null
      ? ` Start the scheduler with ${flag} to enable it.`
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
