/** Rules of the run policy as they are written in its file. */

import { type Static, type TSchema, Type } from 'typebox';
import { fitOf } from '../access/access.ts';
import { roles } from '../access/principal.ts';
import { type Findings, hasForm, shorten } from '../job/schema/explain.ts';
import { sizeForm } from '../job/schema/forms.ts';
import { closed, definitionLimits, oneOf, text } from '../job/schema/parts.ts';
import { memoryBytes } from '../job/size.ts';
import type { AllowedKind, Entry, Limit, LimitName, Rule, RunPolicy } from './policy.ts';
import { kinds, nodeKind, secretKinds } from './values.ts';

const runPolicyLimits = { rules: 500, entries: 500, entryLength: 1_024 } as const;

const entries = Type.Optional(
  Type.Array(Type.String({ minLength: 1, maxLength: runPolicyLimits.entryLength }), {
    maxItems: runPolicyLimits.entries,
  }),
);
const lists = <K extends string>(all: Readonly<Record<K, unknown>>) =>
  Object.fromEntries(Object.keys(all).map((kind) => [kind, entries])) as Record<K, typeof entries>;

const Allowed = Type.Object(
  { ...lists(kinds), secrets: Type.Optional(Type.Object(lists(secretKinds), closed)) },
  closed,
);
type Allowed = Static<typeof Allowed>;

const count = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));
const size = Type.Optional(
  Type.String({
    maxLength: 32,
    pattern: sizeForm,
    description: 'bytes, or a number with a unit such as 8GiB',
  }),
);
const limits = {
  cpus: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 4_096 })),
  memory: size,
  gpus: count,
  pids: count,
  ioWeight: count,
  shm: size,
} satisfies Record<LimitName, TSchema>;
const Limits = Type.Object({ ...limits, nodes: entries }, closed);
type Limits = Static<typeof Limits>;

const RuleSchema = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    for: Type.Optional(
      Type.Object(
        {
          jobs: Type.Optional(text('Pattern of names of jobs.')),
          labels: Type.Optional(
            Type.Record(Type.String(), Type.String(), { maxProperties: definitionLimits.labels }),
          ),
          role: Type.Optional(oneOf(roles)),
        },
        closed,
      ),
    ),
    /** Both are checked by themselves: each may be a word. */
    allow: Type.Optional(Type.Unknown()),
    limits: Type.Optional(Type.Unknown()),
  },
  closed,
);
type WrittenRule = Static<typeof RuleSchema>;

const FileSchema = Type.Object(
  { rules: Type.Array(Type.Unknown(), { description: 'Rules.', maxItems: runPolicyLimits.rules }) },
  closed,
);

/** What is in the file, with what is wrong added to the findings. */
export function runPolicyOf(fields: object, findings: Findings): RunPolicy {
  if (!hasForm(FileSchema, fields, '', findings)) return { rules: [] };
  const { rules } = fields as Static<typeof FileSchema>;
  return { rules: rules.map((rule, i) => ruleOf(rule as WrittenRule, `rules[${i}]`, findings)) };
}

function ruleOf(written: WrittenRule, field: string, findings: Findings): Rule {
  if (!hasForm(RuleSchema, written, field, findings)) return nothing;
  const { name = field, for: whom = {}, allow = {}, limits = {} } = written;
  const hasAllowed = allow !== 'all' && hasForm(Allowed, allow, `${field}.allow`, findings);
  const hasLimits = limits !== 'none' && hasForm(Limits, limits, `${field}.limits`, findings);
  const { nodes = null, ...most } = hasLimits ? (limits as Limits) : {};
  return {
    name,
    fits: fitOf(whom),
    role: whom.role ?? null,
    allow: hasAllowed ? allowedIn(allow as Allowed, `${field}.allow`, findings) : 'all',
    limits: hasLimits ? limitsIn(most, `${field}.limits`) : 'none',
    nodes: nodes === null ? null : entriesOf(nodeKind, nodes, `${field}.limits.nodes`, findings),
  };
}

/** In place of a rule with mistakes, with which the file is not used. */
const nothing: Rule = { name: '', fits: null, role: null, allow: {}, limits: {}, nodes: null };

const limitsIn = (limits: Omit<Limits, 'nodes'>, field: string): Exclude<Rule['limits'], 'none'> =>
  Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [name, limitOf(value, `${field}.${name}`)]),
  );

const limitOf = (value: string | number, field: string): Limit => ({
  most: typeof value === 'number' ? value : memoryBytes(value, field),
  text: String(value),
});

function allowedIn({ secrets = {}, ...allow }: Allowed, field: string, findings: Findings): Rule['allow'] {
  const all: Partial<Record<AllowedKind, readonly Entry[]>> = {};
  for (const [kind, list] of Object.entries(allow))
    all[kind as keyof typeof kinds] = entriesOf(
      kinds[kind as keyof typeof kinds],
      list,
      `${field}.${kind}`,
      findings,
    );
  for (const [kind, list] of Object.entries(secrets))
    all[`secrets.${kind as keyof typeof secretKinds}`] = entriesOf(
      secretKinds[kind as keyof typeof secretKinds],
      list,
      `${field}.secrets.${kind}`,
      findings,
    );
  return all;
}

function entriesOf(
  { read, form }: (typeof kinds)[keyof typeof kinds] | typeof nodeKind,
  list: readonly string[],
  field: string,
  findings: Findings,
): Entry[] {
  return list.flatMap((text, i) => {
    const matches = read(text);
    if (matches !== null) return { text, matches };
    const at = `${field}[${i}]`;
    const value = shorten(text);
    findings.add('INVALID_FIELD', `${at} is ${JSON.stringify(value)}. Allowed: ${form}.`, {
      field: at,
      value,
      allowed: form,
    });
    return [];
  });
}
