/** What people may do, by the rules of the file: all rules that fit a person count together. */

import { CarillonError } from '../errors.ts';
import { type Binding, bytesOfBindings, maxBindingsBytes } from '../scheduler/access/principal.ts';
import { shorten } from '../scheduler/job/schema/explain.ts';
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

  /** Empty: no rule fits. FORBIDDEN: there are too many. */
  bindingsOf(name: string, groups: readonly string[]): readonly Binding[] {
    const all = new Set(groups);
    return bounded(
      name,
      this.#rules.flatMap(({ fits, binding }) => (fits(name, all) ? [binding] : [])),
    );
  }

  /** Those that a rule names: a person may be in hundreds, and a cookie has room for few. */
  knownGroups(groups: readonly string[]): readonly string[] {
    return groups.filter((group) => this.#groups.has(group));
  }

  /**
   * Of the parts of its subject, such as `CN=ops` and `O=Example`. Undefined: no rule names exactly these. FORBIDDEN: there are
   * too many.
   */
  bindingsOfCertificate(parts: readonly string[]): readonly Binding[] | undefined {
    const bindings = this.#certificates.get(subjectOf(parts));
    return bindings && bounded(parts.join(','), bindings);
  }
}

/** Each once: the rules of several groups are often the same. FORBIDDEN if nodes could not tell each other of them. */
function bounded(name: string, given: readonly Binding[]): readonly Binding[] {
  const bindings = [...new Map(given.map((each) => [JSON.stringify(each), each])).values()];
  const bytes = bytesOfBindings(bindings);
  if (bytes <= maxBindingsBytes) return bindings;
  throw new CarillonError(
    'FORBIDDEN',
    `The rules that fit ${shorten(name)} in the file of --auth-file have ${bytes} bytes together. Allowed: at most ${maxBindingsBytes}. ` +
      'An administrator makes them fewer or shorter.',
    { names: [name] },
  );
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
