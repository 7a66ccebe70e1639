/** The house rules that the compiler can't check. Each failure names the file, the line, and what to do. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Source {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly { readonly from: string; readonly line: number; readonly typeOnly: boolean }[];
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const imports = [...text.matchAll(/^(?:import|export)\s(?<what>[^;]*?)from\s'(?<from>[^']+)'/gms)].map(
    (match) => ({
      from: match.groups?.from ?? '',
      line: text.slice(0, match.index).split('\n').length,
      typeOnly: match.groups?.what?.startsWith('type ') === true,
    }),
  );
  return { path, text, lines: text.split('\n'), imports };
}

const sources = (readdirSync(join(root, 'src'), { recursive: true }) as string[])
  .filter((path) => path.endsWith('.ts'))
  .map((path) => read(join('src', path)));

/** The folder that rules are made for: the longest that fits. */
const zones = [
  'src/dag',
  'src/scheduler/runtime',
  'src/scheduler',
  'src/store',
  'src/executor',
  'src/api',
  'src/notify',
  'src/cli',
] as const;
const zoneOf = (path: string): string => zones.find((zone) => path.startsWith(`${zone}/`)) ?? path;

const core = ['src/errors.ts', 'src/dag', 'src/scheduler'];
const shared = [
  'src/job-file.ts',
  'src/json-text.ts',
  'src/json-place.ts',
  'src/text-bounds.ts',
  'src/utf8.ts',
];

/** Nobody imports the composition root; the reference store is there for whoever tests or simulates. */
const roots = ['src/main.ts', 'src/store/memory.ts'];

/** What each zone may import of the project; itself is always allowed. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'src/errors.ts': [],
  'src/dag': ['src/errors.ts'],
  'src/scheduler': ['src/errors.ts', 'src/dag'],
  'src/scheduler/runtime': core,
  'src/store': [...core, 'src/loop-round.ts'],
  'src/executor': core,
  'src/api': [...core, ...shared, 'src/loop-round.ts'],
  'src/notify': core,
  'src/cli': [...core, ...shared, 'src/config.ts', 'src/settings.ts'],
};

/** npm packages of the pure folders: pure themselves. */
const purePackages = ['typebox', 'typebox/compile', 'hdr-histogram-js'];
const isPure = (path: string): boolean =>
  ['src/dag', 'src/scheduler', 'src/errors.ts'].includes(zoneOf(path));

function imported(source: Source, from: string): string {
  return relative(root, resolve(root, dirname(source.path), from));
}

function findings(check: (source: Source) => string[]): string[] {
  return sources.flatMap((source) => check(source).map((finding) => `${source.path}:${finding}`));
}

/** Lines that match, outside comments. */
function linesWith(source: Source, pattern: RegExp, advice: string): string[] {
  return source.lines.flatMap((line, i) =>
    pattern.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line) ? [`${i + 1}: ${line.trim()} — ${advice}`] : [],
  );
}

describe('the house is tidy', () => {
  test('imports point inward, and edges do not know each other', () => {
    expect(
      findings((source) => {
        const zone = zoneOf(source.path);
        const may = allowed[zone];
        if (may === undefined) return [];
        return source.imports.flatMap(({ from, line, typeOnly }) => {
          if (!from.startsWith('.')) return [];
          const target = imported(source, from);
          const wire = zone === 'src/cli' && target.startsWith('src/api/schema') && typeOnly;
          const ok = zoneOf(target) === zone || may.includes(zoneOf(target)) || may.includes(target) || wire;
          return ok ? [] : [`${line}: imports ${target}; ${zone} may import ${may.join(', ')}`];
        });
      }),
    ).toEqual([]);
  });

  test('pure folders use pure packages only', () => {
    expect(
      findings((source) =>
        isPure(source.path)
          ? source.imports.flatMap(({ from, line }) =>
              from.startsWith('.') || purePackages.includes(from) ? [] : [`${line}: imports ${from}`],
            )
          : [],
      ),
    ).toEqual([]);
  });

  test('nobody imports the composition root, and no file is left over', () => {
    const used = new Set(
      sources.flatMap((source) =>
        source.imports.filter(({ from }) => from.startsWith('.')).map(({ from }) => imported(source, from)),
      ),
    );
    expect(used.has('src/main.ts')).toBe(false);
    expect(
      sources.map((source) => source.path).filter((path) => !used.has(path) && !roots.includes(path)),
    ).toEqual([]);
  });

  test('there are no import cycles', () => {
    const edges = new Map(
      sources.map((source) => [
        source.path,
        source.imports
          .filter(({ from, typeOnly }) => from.startsWith('.') && !typeOnly)
          .map(({ from }) => imported(source, from)),
      ]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      else if (!done.has(path)) {
        for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
        done.add(path);
      }
    };
    for (const path of edges.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });

  test('only src/clock.ts reads the clock', () => {
    const pattern = /Date\.now\(|new Date\(\)|performance\.now\(|\bsetTimeout\(|\bsetInterval\(/;
    const may = (path: string): boolean => path === 'src/clock.ts' || path.startsWith('src/cli/');
    expect(
      findings((source) =>
        may(source.path) ? [] : linesWith(source, pattern, 'take time from the Clock port'),
      ),
    ).toEqual([]);
  });

  test('pure folders hold no randomness', () => {
    expect(
      findings((source) =>
        isPure(source.path) ? linesWith(source, /Math\.random\(|randomUUID/, 'let it enter as data') : [],
      ),
    ).toEqual([]);
  });

  test('only src/main.ts reads the environment, and nobody prints past the log', () => {
    const may = (path: string): boolean => path === 'src/main.ts';
    expect(
      findings((source) =>
        may(source.path) ? [] : linesWith(source, /process\.env/, 'let src/config.ts read it'),
      ),
    ).toEqual([]);
    expect(
      findings((source) => linesWith(source, /\bconsole\./, 'use the log, or write to the stream given')),
    ).toEqual([]);
  });

  test('names say what a thing is', () => {
    const vague = /(^|\/)(utils?|helpers?|manager|common|misc|index)\.ts$/;
    expect(sources.map((source) => source.path).filter((path) => vague.test(path))).toEqual([]);
  });

  test('files have at most 400 lines and open with what they are', () => {
    expect(
      sources
        .filter((source) => source.lines.length > 401)
        .map((source) => `${source.path}: ${source.lines.length}`),
    ).toEqual([]);
    expect(
      sources.filter((source) => !/^(#!.*\n)?\/\*\*/.test(source.text)).map((source) => source.path),
    ).toEqual([]);
  });

  test('nothing is left to be done later in the code', () => {
    expect(
      findings((source) => linesWith(source, /\b(TODO|FIXME|XXX|HACK)\b/, 'do it, or write it down as work')),
    ).toEqual([]);
  });
});
