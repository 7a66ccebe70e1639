/**
 * Owners of jobs as recipients of mail. As in Chronos, an owner may be a list of addresses, separated by commas. Whoever may
 * change a job writes it, so only plain addresses count, and nothing else of it.
 */

const MAX_ADDRESSES = 50;
const address = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@([A-Za-z0-9][A-Za-z0-9.-]{0,253})$/;

/** The domains to which owners get mail. Null: all. */
export type OwnerDomains = readonly string[] | null;

/** Other parts of the owner are left out. */
export function addressesOf(owner: string | null, domains: OwnerDomains): string[] {
  const found = (owner ?? '').split(',').flatMap((part) => {
    const text = part.trim();
    const [, domain] = address.exec(text) ?? [];
    return domain !== undefined && isAllowed(domain, domains) ? [text] : [];
  });
  return [...new Set(found)].slice(0, MAX_ADDRESSES);
}

const isAllowed = (domain: string, domains: OwnerDomains): boolean =>
  domains === null || domains.some((each) => each.toLowerCase() === domain.toLowerCase());
