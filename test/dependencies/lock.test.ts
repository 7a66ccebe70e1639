/** Nothing is installed that nobody has looked at. */

import { describe, expect, test } from 'vitest';
import { dependenciesIn, type Lock, lockOfProject, manifestOfProject } from './lock.ts';

const integrity = `sha512-${'A'.repeat(86)}==`;
const good = { version: '1.0.0', license: 'MIT', integrity };

function surprisesOf(locked: object): readonly string[] {
  const lock = { packages: { '': {}, 'node_modules/a/node_modules/@x/b': locked } } as Lock;
  const [only] = dependenciesIn(lock, { allowScripts: { '@x/known': true, '@x/b': false } });
  expect(only?.name).toBe('@x/b');
  return only?.surprises ?? [];
}

describe('dependencies', () => {
  test('this project installs no surprise', () => {
    const found = dependenciesIn(lockOfProject(), manifestOfProject());
    expect(found.flatMap(({ name, surprises }) => surprises.map((each) => `${name} ${each}`))).toEqual([]);
    expect(found.length).toBeGreaterThan(100);
  });

  test('every script that runs at an install is wanted, and still exists', () => {
    const scripts = dependenciesIn(lockOfProject(), manifestOfProject()).filter(
      ({ script }) => script !== null,
    );
    expect([...new Set(scripts.map(({ name }) => name))].sort()).toEqual(
      Object.keys(manifestOfProject().allowScripts).sort(),
    );
  });

  test.each<[string, object, RegExp | null]>([
    ['a package that is pinned and free is none', good, null],
    ['one of two licences is enough', { ...good, license: '(MIT OR GPL-3.0-only)' }, null],
    ['a script that is blocked is none', { ...good, hasInstallScript: true }, null],
    ['a weak licence of a tool is none', { ...good, license: 'MPL-2.0', dev: true }, null],
    ['the same licence in the product is one', { ...good, license: 'MPL-2.0' }, /MPL-2.0/],
    ['both licences must be accepted', { ...good, license: 'MIT AND GPL-3.0-only' }, /licence/],
    ['no licence', { version: '1.0.0', integrity }, /names no licence/],
    ['content that is not pinned', { version: '1.0.0', license: 'MIT' }, /not pinned/],
    ['a weak hash', { ...good, integrity: 'sha1-abc=' }, /not pinned/],
    ['another source', { ...good, resolved: 'git+ssh://git@example.com/x.git' }, /not from the registry/],
    ['a folder', { ...good, link: true }, /not from the registry/],
  ])('%s', (_, locked, expected) => {
    if (expected === null) expect(surprisesOf(locked)).toEqual([]);
    else expect(surprisesOf(locked).join()).toMatch(expected);
  });

  test('a script that nobody decided about is one', () => {
    const lock = { packages: { 'node_modules/new': { ...good, hasInstallScript: true } } } as Lock;
    expect(dependenciesIn(lock, { allowScripts: {} })[0]?.surprises.join()).toMatch(/decide about it/);
  });
});
