/** What people may do, by the rules of the file: all rules that fit a person count together. */

import type { Binding } from '../scheduler/access/principal.ts';
import type { WrittenCertificate, WrittenPerson } from './schema.ts';

type WrittenBinding = Pick<WrittenPerson, 'role' | 'grants' | 'jobs' | 'labels'>;

interface Rule {
  readonly fits: (name: string, groups: ReadonlySet<string>) => boolean;
  readonly binding: Binding;
}

export class People {
  readonly #rules: readonly Rule[];
  readonly #certificates = new Map<string, readonly Binding[]>();
  readonly #groups: ReadonlySet<string>;

  constructor(people: readonly WrittenPerson[], certificates: readonly WrittenCertificate[]) {
    this.#rules = people.map(ruleOf);
    this.#groups = new Set(people.flatMap(({ group }) => (group === undefined ? [] : [group])));
    for (const { subject, ...binding } of certificates) {
      const key = subjectOf(subject.split(/(?<!\\),/));
      this.#certificates.set(key, [...(this.#certificates.get(key) ?? []), bindingOf(binding)]);
    }
  }

  /** Empty: no rule fits. */
  bindingsOf(name: string, groups: readonly string[]): readonly Binding[] {
    const all = new Set(groups);
    return this.#rules.flatMap(({ fits, binding }) => (fits(name, all) ? [binding] : []));
  }

  /** Those that a rule names: a person may be in hundreds, and a cookie has room for few. */
  knownGroups(groups: readonly string[]): readonly string[] {
    return groups.filter((group) => this.#groups.has(group));
  }

  /** Of the parts of its subject, such as `CN=ops` and `O=Example`. Undefined: no rule names exactly these. */
  bindingsOfCertificate(parts: readonly string[]): readonly Binding[] | undefined {
    return this.#certificates.get(subjectOf(parts));
  }
}

function ruleOf({ group, email, everybody, ...binding }: WrittenPerson): Rule {
  const wanted = email?.toLowerCase();
  return {
    fits: (name, groups) =>
      everybody === true ||
      (group !== undefined && groups.has(group)) ||
      (wanted !== undefined && name.toLowerCase() === wanted),
    binding: bindingOf(binding),
  };
}

const bindingOf = ({ role, grants, jobs, labels }: WrittenBinding): Binding => ({
  role,
  ...(grants !== undefined && { grants }),
  ...(jobs !== undefined && { jobs }),
  ...(labels !== undefined && { labels }),
});

/** Programs write the parts in different orders. */
const subjectOf = (parts: readonly string[]): string =>
  parts
    .map((part) => part.trim().replaceAll('\\,', ','))
    .toSorted()
    .join('\n');
