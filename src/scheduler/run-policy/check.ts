/**
 * What a job asks of hosts, against the rules of the run policy that fit it. A value is allowed if one of them allows it, and refused
 * otherwise. Maxima are the largest of those that these rules have. The same check refuses a submission and a launch.
 */

import { CarillonError, shortened } from '../../errors.ts';
import type { Named } from '../access/access.ts';
import { type Role, roles } from '../access/principal.ts';
import type { JobDefinition, RunDefinition } from '../job/definition.ts';
import type { EngineAbilities } from '../job/engine-abilities.ts';
import { choiceOf } from '../job/node-choice.ts';
import { shorten } from '../job/schema/explain.ts';
import { memoryBytes } from '../job/size.ts';
import {
  type AllowedKind,
  type Entry,
  type LimitName,
  limitNames,
  type Rule,
  type RunPolicy,
} from './policy.ts';
import { IMAGE_USER, OWN_USER } from './values.ts';

/** A job and what is asked of it. */
export interface Applicant {
  readonly definition: JobDefinition;
  /** Of the one who put the job. Null: unknown. */
  readonly role: Role | null;
  /** The one that runs it. */
  readonly engine: {
    readonly name: string;
    readonly abilities: EngineAbilities;
    /** See `EngineSettings`. */
    readonly onHosts?: boolean;
  };
}

interface Asked {
  readonly kind: AllowedKind;
  readonly field: string;
  readonly value: string;
  /** Where it is not the value. */
  readonly shown?: string;
}

/** More than a person mends in one go. */
const maxFindings = 20;

/** POLICY_REFUSED for each value that is not allowed, with its field and the rules that were asked. */
export function policyFindings(policy: RunPolicy, applicant: Applicant): CarillonError[] {
  const { definition, role, engine } = applicant;
  const { run } = definition;
  if (run === undefined) return [];
  const rules = policy.rules.filter((rule) => isFor(rule, definition, role));
  if (rules.length === 0) return [noRule(definition.name)];
  const refused = askedBy(run, engine.name).filter(
    ({ kind, value }) => !rules.some((rule) => allows(rule, kind, value)),
  );
  return [...refused.map((asked) => notAllowed(asked, rules)), ...limitFindings(rules, run, engine)].slice(
    0,
    maxFindings,
  );
}

function isFor({ fits, role: least }: Rule, job: Named, role: Role | null): boolean {
  const isRole = least === null || (role !== null && roles.indexOf(role) >= roles.indexOf(least));
  return isRole && (fits === null || fits(job));
}

const allows = (rule: Rule, kind: AllowedKind, value: string): boolean =>
  rule.allow === 'all' || entriesIn(rule, kind).some(({ matches }) => matches(value));

const entriesIn = ({ allow }: Rule, kind: AllowedKind): readonly Entry[] =>
  allow === 'all' ? [] : (allow[kind] ?? []);

/** Everything in a run that needs a permission. What is not here, such as the command, acts with what was allowed. */
function askedBy(run: RunDefinition, engine: string): Asked[] {
  const all: Asked[] = [];
  const ask = (kind: AllowedKind, field: string, value: string, shown?: string): void =>
    void all.push({ kind, field: `run.${field}`, value, ...(shown !== undefined && { shown }) });
  ask('engines', 'engine', engine);
  ask('users', 'user', run.user || (run.image === undefined ? OWN_USER : IMAGE_USER));
  if (run.image !== undefined) ask('images', 'image', run.image);
  const askEach = (kind: AllowedKind, field: string, values: readonly string[] = []): void => {
    for (const [i, value] of values.entries()) ask(kind, `${field}[${i}]`, value);
  };
  askEach('volumes', 'volumes', run.volumes);
  if (run.network !== undefined && run.network !== 'none') ask('networks', 'network', run.network);
  askEach('networks', 'networks', run.networks);
  askEach('ports', 'ports', run.ports);
  askEach('capabilities', 'capabilities.add', run.capabilities?.add);
  for (const [name, { soft, hard = soft }] of Object.entries(run.ulimits ?? {}))
    ask('ulimits', `ulimits.${name}`, `${name}=${hard}`);
  for (const [i, { uri }] of (run.fetch ?? []).entries()) ask('fetch', `fetch[${i}].uri`, uri);
  for (const [name, secret] of Object.entries(run.secrets ?? {})) askSecret(`secrets.${name}`, secret, ask);
  if (run.registry !== undefined) askSecret('registry.secret', run.registry.secret, ask);
  return all;
}

/** A secret with one of these sources. */
interface SecretSources {
  readonly file?: string;
  readonly env?: string;
  readonly exec?: readonly string[];
  readonly vault?: { readonly path: string; readonly key: string };
}

function askSecret(
  field: string,
  { file, env, exec, vault }: SecretSources,
  ask: (kind: AllowedKind, field: string, value: string, shown?: string) => void,
): void {
  if (file !== undefined) ask('secrets.file', `${field}.file`, file);
  if (env !== undefined) ask('secrets.env', `${field}.env`, env);
  if (exec !== undefined) ask('secrets.exec', `${field}.exec`, exec.join('\0'), exec.join(' '));
  if (vault !== undefined) ask('secrets.vault', `${field}.vault`, `${vault.path}#${vault.key}`);
}

function noRule(name: string): CarillonError {
  return new CarillonError('POLICY_REFUSED', `No rule of the run policy is for the job ${name}.`, {
    field: 'run',
    allowed: 'jobs that a rule is for',
  });
}

function notAllowed({ kind, field, value, shown = value }: Asked, rules: readonly Rule[]): CarillonError {
  const all = rules.flatMap((rule) => entriesIn(rule, kind).map(({ text }) => ({ rule: rule.name, text })));
  return refusal(field, shown, {
    asked: `${field} is ${JSON.stringify(shorten(shown))}`,
    allowed: all.map(({ text }) => text),
    by: [...new Set(all.length === 0 ? rules.map(({ name }) => name) : all.map(({ rule }) => rule))],
  });
}

/** Entries and rules that a message names. */
const shownEntries = 10;
const some = (texts: readonly string[]): string =>
  texts.slice(0, shownEntries).join(', ') + (texts.length > shownEntries ? ', …' : '');

function refusal(
  field: string,
  value: unknown,
  {
    asked,
    allowed,
    by,
  }: { readonly asked: string; readonly allowed: readonly string[]; readonly by: readonly string[] },
): CarillonError {
  const may = allowed.length === 0 ? 'nothing' : some(allowed);
  const rules = `${by.length === 1 ? 'rule' : 'rules'} ${some(by)}`;
  return new CarillonError(
    'POLICY_REFUSED',
    shortened(`${asked}, which the run policy does not allow for this job. Allowed: ${may} (${rules}).`),
    { field, value: shorten(value), allowed: allowed.length === 0 ? ['nothing'] : allowed, names: by },
  );
}

const DEFAULT_SHM = 64 * 1024 ** 2;
const DEFAULT_IO_WEIGHT = 100;

/** What a run has that does not set it. */
const unset: Readonly<Record<LimitName, number>> = {
  cpus: Number.POSITIVE_INFINITY,
  memory: Number.POSITIVE_INFINITY,
  gpus: 0,
  pids: Number.POSITIVE_INFINITY,
  ioWeight: DEFAULT_IO_WEIGHT,
  shm: DEFAULT_SHM,
};

function limitFindings(
  rules: readonly Rule[],
  run: RunDefinition,
  engine: Applicant['engine'],
): CarillonError[] {
  const all = rules.flatMap(({ limits, name }) => (limits === 'none' ? [] : [{ limits, name }]));
  if (all.length < rules.length) return [];
  const numbers = limitNames.flatMap((name) => {
    const given = run.resources?.[name];
    const limits = all.flatMap(({ limits: { [name]: limit }, name: rule }) =>
      limit === undefined ? [] : [{ ...limit, rule }],
    );
    // Processes have no memory of their own to share.
    if (limits.length === 0 || (name === 'shm' && run.image === undefined)) return [];
    const field = `run.resources.${name}`;
    const asked = typeof given === 'string' ? memoryBytes(given, field) : (given ?? unset[name]);
    const most = limits.reduce((a, b) => (b.most > a.most ? b : a));
    if (asked <= most.most) return [];
    const words = given === undefined ? `${field} is not set` : `${field} is ${given}`;
    return [
      refusal(field, given ?? null, { asked: words, allowed: [`at most ${most.text}`], by: [most.rule] }),
    ];
  });
  return [...numbers, ...nodeFindings(rules, run, engine)];
}

/** Where it may run at most: each of the conditions that it has narrows its nodes. */
function nodeFindings(
  rules: readonly Rule[],
  run: RunDefinition,
  { abilities, onHosts = false }: Applicant['engine'],
): CarillonError[] {
  const limits = rules.flatMap(({ nodes, name: rule }) => (nodes === null ? [] : [{ nodes, rule }]));
  const asked = placesOf(run, abilities, onHosts);
  if (limits.length === 0 || asked === null) return [];
  const { field, choices } = asked;
  if (limits.some(({ nodes }) => nodes.some(({ matches }) => choices.some((choice) => matches(choice)))))
    return [];
  return [
    refusal(field, choices.join(), {
      asked: `${field} is ${JSON.stringify(choices.join())}`,
      allowed: limits.flatMap(({ nodes }) => nodes.map(({ text }) => text)),
      by: limits.map(({ rule }) => rule),
    }),
  ];
}

/** Null: the job has no choice of nodes. */
function placesOf(
  run: RunDefinition,
  { images, inabilities }: EngineAbilities,
  onHosts: boolean,
): { readonly field: string; readonly choices: readonly string[] } | null {
  if (!images) {
    const choice = choiceOf(run) ?? (onHosts ? 'any' : 'leader');
    const choices = choice.split(',').map((each) => each.trim());
    // `all` and a condition: all nodes of the condition.
    const narrow = choices.length > 1 ? choices.filter((each) => each !== 'all') : choices;
    return { field: run.host === undefined ? 'run.on' : 'run.host', choices: narrow };
  }
  const hasConstraints = !inabilities.some(
    ({ field, asked }) =>
      field === 'constraints' && asked({ constraints: ['node.labels.a==b'] }) !== undefined,
  );
  if (!hasConstraints) return null;
  const choices = (run.constraints ?? []).map((each) => each.replace(/\s+/g, ''));
  return { field: 'run.constraints', choices: choices.length === 0 ? ['any'] : choices };
}
