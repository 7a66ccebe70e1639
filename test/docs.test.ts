/** What is written for people is true: diagrams, links, commands and codes. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitCodes } from '../src/cli/exit-codes.ts';
import { runCli } from '../src/cli/program.ts';
import { endStates, liveStates } from '../src/scheduler/model.ts';
import { runTransitions } from '../src/scheduler/run-state.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'examples/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

describe('the run state machine', () => {
  const diagram = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.replace(/^ \* ?/, '').trim())
      .filter((line) => /──/.test(line) && !/clock|inbox/.test(line));

  test('is drawn alike in the code and on the pages', () => {
    const drawn = diagram(read('src/scheduler/run-state.ts'));
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
  test.each(pages)('%s links to what is there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)(#[^)]*)?\)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  test('name only commands that exist', async () => {
    let help = '';
    const out = (text: string): void => {
      help += text;
    };
    await runCli(['--help'], {
      serve: async () => 0,
      restore: () => Promise.reject(new Error('nothing is restored here')),
      environment: {},
      version: '0',
      io: { out } as never,
    });
    const known = [...help.matchAll(/^ {2}([a-z]+)[ \n]/gm)].map((match) => match[1] ?? '');
    expect(known.length).toBeGreaterThan(15);
    const said = pages.flatMap((page) =>
      [...read(page).matchAll(/(?:`|^)carillon ([a-z]+)\b/gm)].map((match) => match[1] ?? ''),
    );
    expect(said.filter((command) => !known.includes(command))).toEqual([]);
    expect(said.length).toBeGreaterThan(10);
  });

  test('list every exit code', () => {
    for (const code of Object.values(exitCodes))
      expect(read('docs/operations.md')).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
  });

  test('name only scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const said = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([a-z]+)/g)].map((match) => match[1] ?? ''),
    );
    expect(said.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
