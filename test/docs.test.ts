/** What is written for people is true: diagrams, links, commands and codes. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitCodes } from '../src/cli/exit-codes.ts';
import { endStates, liveStates } from '../src/scheduler/model/model.ts';
import { runTransitions } from '../src/scheduler/model/run-state.ts';
import { runCommand } from './support/command-line.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pagesIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `${folder}/${name}`);
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'examples/README.md',
  '.github/pull_request_template.md',
  ...pagesIn('docs'),
  ...pagesIn('docs/decisions'),
];

/** The anchors that a page offers, made from its headings as GitHub makes them. */
const anchorsOf = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('the run state machine', () => {
  const diagram = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.replace(/^ \* ?/, '').trim())
      .filter((line) => /──/.test(line) && !/clock|inbox/.test(line));

  test('is drawn alike in the code and on the pages', () => {
    const drawn = diagram(read('src/scheduler/model/run-state.ts'));
    expect(drawn).toHaveLength(4);
    for (const page of ['docs/jobs.md', 'ARCHITECTURE.md'])
      expect(diagram(read(page))).toEqual(expect.arrayContaining(drawn));
  });

  test('has each state explained', () => {
    for (const state of [...liveStates, ...endStates]) expect(read('docs/jobs.md')).toContain(`\`${state}\``);
  });

  test('leads from every unfinished state to an end', () => {
    for (const state of liveStates)
      expect(Object.values(runTransitions[state]).some((next) => endStates.some((end) => end === next))).toBe(
        true,
      );
  });
});

describe('the pages', () => {
  test.each(pages)('%s links to files and headings that exist', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map((match) => ({
      file: match[1] === '' ? page : join(dirname(page), match[1] ?? ''),
      anchor: match[2],
    }));
    expect(links.filter(({ file }) => !existsSync(join(root, file)))).toEqual([]);
    expect(
      links.filter(({ file, anchor }) => anchor !== undefined && !anchorsOf(file).includes(anchor)),
    ).toEqual([]);
  });

  test.each(pages)('%s names source files that exist', (page) => {
    const named = [...read(page).matchAll(/`((?:src|test|web|bench)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? '',
    );
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('ARCHITECTURE.md has at most 200 lines', () => {
    expect(read('ARCHITECTURE.md').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  });

  test('name only commands that exist', async () => {
    const { out: help } = await runCommand(['--help']);
    const known = [...help.matchAll(/^ {2}([a-z-]+)[ \n]/gm)].map((match) => match[1] ?? '');
    expect(known.length).toBeGreaterThan(15);
    const said = pages.flatMap((page) =>
      [...read(page).matchAll(/(?:`|^)carillon ([a-z]+(?:-[a-z]+)*)/gm)].map((match) => match[1] ?? ''),
    );
    expect(said.filter((command) => !known.includes(command))).toEqual([]);
    expect(said.length).toBeGreaterThan(10);
  });

  test('list every exit code', () => {
    for (const code of Object.values(exitCodes))
      expect(read('docs/command-line.md')).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
  });

  test('name only scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const said = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([a-z:]*[a-z])/g)].map((match) => match[1] ?? ''),
    );
    expect(said.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('the decisions', () => {
  const decisions = pagesIn('docs/decisions').filter((page) => !page.endsWith('/README.md'));

  test('are numbered without gaps, and listed with their titles', () => {
    const index = [...read('docs/decisions/README.md').matchAll(/^\* \[(.+)\]\((.+)\)$/gm)].map(
      ([, title, file]) => ({ title, file: `docs/decisions/${file}` }),
    );
    index.sort((a, b) => (a.file < b.file ? -1 : 1));
    expect(index).toEqual(decisions.map((file) => ({ title: /^# (.+)$/m.exec(read(file))?.[1], file })));
    expect(decisions.map((file) => Number(/\/(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1]))).toEqual(
      decisions.map((_, i) => i + 1),
    );
    for (const [i, { title }] of index.entries()) expect(title).toMatch(new RegExp(`^${i + 1}\\. `));
  });

  test.each(decisions)('%s has a context, a decision and what was rejected', (page) => {
    const parts = [...read(page).matchAll(/^## (.+)\n\n(?=[^#\s])/gm)].map((match) => match[1]);
    expect(parts).toEqual(['Context', 'Decision', 'Rejected']);
  });
});
