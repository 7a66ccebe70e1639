/** What roles may do, on which jobs. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Access } from '../../../src/scheduler/access/access.ts';
import {
  type Binding,
  type Permission,
  permissions,
  roles,
} from '../../../src/scheduler/access/principal.ts';

const job = { name: 'sales-daily', labels: { team: 'sales', tier: '1' } };

describe('a role', () => {
  test.each<[Binding['role'], Permission[]]>([
    ['viewer', ['read']],
    ['operator', ['read', 'logs', 'operate']],
    ['editor', ['read', 'logs', 'env', 'secrets', 'operate', 'edit']],
    ['admin', [...permissions]],
  ])('%s may %j and nothing else', (role, may) => {
    const access = new Access([{ role }]);
    expect(permissions.filter((permission) => access.mayAll(permission))).toEqual(may);
    expect(permissions.filter((permission) => access.mayOn(permission, job))).toEqual(may);
  });

  test('may what is granted in addition, and only that', () => {
    const access = new Access([{ role: 'viewer', grants: ['logs'] }]);
    expect(permissions.filter((permission) => access.mayOn(permission, job))).toEqual(['read', 'logs']);
  });

  test('without a binding, nothing is allowed', () => {
    const access = new Access([]);
    expect(permissions.some((permission) => access.maySome(permission))).toBe(false);
  });
});

describe('a scope', () => {
  test.each<[string, Omit<Binding, 'role'>, boolean]>([
    ['the whole name', { jobs: 'sales-daily' }, true],
    ['a prefix', { jobs: 'sales-*' }, true],
    ['a part', { jobs: '*-dai*' }, true],
    ['one character each', { jobs: 'sales-?????' }, true],
    ['a prefix without a star is another name', { jobs: 'sales-' }, false],
    ['the end alone is not enough', { jobs: 'daily' }, false],
    ['case counts', { jobs: 'Sales-*' }, false],
    ['a dot is a dot', { jobs: 'sales.daily' }, false],
    ['labels that it has', { labels: { team: 'sales', tier: '1' } }, true],
    ['a label with another value', { labels: { team: 'ops' } }, false],
    ['a label that it does not have', { labels: { zone: 'a' } }, false],
    ['a label that every object inherits', { labels: { constructor: 'x' } }, false],
    ['both', { jobs: 'sales-*', labels: { team: 'sales' } }, true],
    ['the name fits and the label does not', { jobs: 'sales-*', labels: { team: 'ops' } }, false],
  ])('%s', (_, scope, fits) => {
    const access = new Access([{ role: 'editor', ...scope }]);
    expect(access.mayOn('edit', job)).toBe(fits);
    expect(access.mayAll('edit')).toBe(false);
    expect(access.maySome('edit')).toBe(true);
  });

  test('permissions of one scope do not count in another', () => {
    const access = new Access([{ role: 'admin', jobs: 'ops-*' }, { role: 'viewer' }]);
    expect(access.mayOn('edit', { name: 'ops-1' })).toBe(true);
    expect(access.mayOn('edit', job)).toBe(false);
    expect(access.mayOn('read', job)).toBe(true);
  });

  test('a pattern means what the same regular expression means', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', '.', '-'), { maxLength: 12 })
      .map((parts) => parts.join(''));
    const pattern = fc
      .array(fc.constantFrom('a', 'b', '.', '*', '?'), { maxLength: 10 })
      .map((each) => each.join(''));
    fc.assert(
      fc.property(fc.constantFrom(...roles), pattern, text, (role, jobs, name) => {
        const form = jobs.replace(/\./g, '\\.').replace(/\*/g, '.*').replace(/\?/g, '.');
        expect(new Access([{ role, jobs }]).mayOn('read', { name })).toBe(new RegExp(`^${form}$`).test(name));
      }),
    );
  });

  test('a long pattern of stars is decided at once', () => {
    const access = new Access([{ role: 'viewer', jobs: `${'*a'.repeat(60)}b` }]);
    expect(access.mayOn('read', { name: 'a'.repeat(128) })).toBe(false);
  });
});
