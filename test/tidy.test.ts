/** The house rules that the compiler cannot check. Each failure names the file, the line, and what to do. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { engines } from '../src/node/engines.ts';
import { records } from '../src/scheduler/records/table.ts';

const root = resolve(import.meta.dirname, '..');

interface Source {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly { readonly from: string; readonly line: number; readonly typeOnly: boolean }[];
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const statement =
    /^(?:import|export)\s(?<what>[^;]*?)from\s'(?<from>[^']+)'|\bimport\('(?<inline>[^']+)'\)/gms;
  const imports = [...text.matchAll(statement)].map(({ index, groups }) => ({
    from: groups?.from ?? groups?.inline ?? '',
    line: text.slice(0, index).split('\n').length,
    typeOnly: groups?.what?.startsWith('type ') === true,
  }));
  return { path, text, lines: text.split('\n'), imports };
}

const sources = (readdirSync(join(root, 'src'), { recursive: true }) as string[])
  .filter((path) => path.endsWith('.ts'))
  .map((path) => read(join('src', path)));

const webSources = (readdirSync(join(root, 'web/src'), { recursive: true }) as string[])
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => read(join('web/src', path)));

const schedule = 'src/scheduler/schedule';
const job = 'src/scheduler/job';
const check = 'src/scheduler/job/check';
const access = 'src/scheduler/access';
const runPolicy = 'src/scheduler/run-policy';
const model = 'src/scheduler/model';
const stats = 'src/scheduler/stats';
const recordsRoom = 'src/scheduler/records';
const spine = 'src/scheduler';
const chronos = 'src/scheduler/chronos';
const state = 'src/scheduler/state';
const rules = 'src/scheduler/rules';
const decide = 'src/scheduler/decide.ts';
const readModels = 'src/scheduler/read';
const authorizedRoom = 'src/scheduler/authorized';
const errors = 'src/errors.ts';
const setting = 'src/setting.ts';
const dag = 'src/dag';
const jobFile = 'src/job-file';
const peers = 'src/peers';
const whoAsks = 'src/who-asks';
const store = 'src/store';
const executor = 'src/executor';
const container = 'src/executor/container';
const logs = 'src/executor/logs';
const supervisor = 'src/executor/supervisor';
const secrets = 'src/executor/secrets';
const supervised = 'src/executor/supervised';
const engine = 'src/executor/engine.ts';
const processEngine = 'src/executor/process';
const sshEngine = 'src/executor/ssh';
const dockerEngine = 'src/executor/docker';
const swarmEngine = 'src/executor/swarm';
const wire = 'src/api/wire';
const api = 'src/api';
const auth = 'src/auth';
const notify = 'src/notify';
const calendarFile = 'src/calendar-file';
const settingsFile = 'src/settings-file';
const traces = 'src/traces';
const node = 'src/node';
const engineList = 'src/node/engines.ts';

/**
 * The rooms, from the ground floor up, and what each may import of the project, types included. A room may
 * always import itself. A file belongs to the longest name that fits; subfolders without a line of their own
 * belong to the room above them. `src/main.ts` has no line: it joins the command line and the node.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  [errors]: [],
  'src/loop-round.ts': [],
  [whoAsks]: [],
  [jobFile]: [errors],
  [dag]: [errors],
  [schedule]: [errors],
  [job]: [errors, schedule],
  [calendarFile]: [errors, schedule, job],
  [setting]: [errors, schedule, job],
  [access]: [errors, job],
  [runPolicy]: [errors, job, access],
  [model]: [errors, dag, schedule, job, access, runPolicy],
  [stats]: [errors, model],
  [recordsRoom]: [errors, job, access, model, stats],
  [spine]: [errors, schedule, job, access, model, stats, recordsRoom],
  [chronos]: [errors, schedule, job, model, spine],
  [check]: [errors, schedule, job, chronos],
  [state]: [errors, dag, schedule, job, access, model, stats, recordsRoom, spine],
  [rules]: [
    ...[
      errors,
      dag,
      schedule,
      job,
      access,
      runPolicy,
      model,
      stats,
      recordsRoom,
      spine,
      chronos,
      check,
      state,
    ],
  ],
  [decide]: [errors, job, access, model, spine, state, rules],
  [readModels]: [errors, dag, schedule, job, access, model, stats, spine, state],
  [authorizedRoom]: [errors, dag, job, access, model, recordsRoom, spine, state],
  'src/scheduler/runtime': [
    errors,
    job,
    access,
    model,
    stats,
    recordsRoom,
    spine,
    state,
    rules,
    decide,
    readModels,
  ],
  [peers]: [spine],
  [settingsFile]: [errors, jobFile, job, spine],
  [store]: [errors, job, model, stats, recordsRoom, spine, state],
  'src/store/embedded': [errors, 'src/loop-round.ts', job, model, recordsRoom, spine, state, store],
  'src/store/zookeeper/wire': [errors, spine],
  'src/store/zookeeper': [
    errors,
    'src/loop-round.ts',
    job,
    model,
    recordsRoom,
    spine,
    state,
    store,
    'src/store/zookeeper/wire',
  ],
  [supervisor]: [errors, spine],
  [executor]: [errors, job, spine, peers, supervisor],
  [logs]: [errors, spine, supervisor],
  [secrets]: [errors, jobFile, job, spine, executor],
  [engine]: [setting, job, spine, logs, secrets],
  [container]: [errors, setting, job, spine, supervisor, executor, logs, secrets, engine],
  [supervised]: [errors, job, spine, supervisor, executor, logs],
  [processEngine]: [errors, setting, job, spine, supervisor, supervised, executor, logs, secrets, engine],
  [sshEngine]: [
    errors,
    setting,
    jobFile,
    job,
    spine,
    supervisor,
    supervised,
    executor,
    logs,
    secrets,
    engine,
  ],
  [dockerEngine]: [errors, setting, job, spine, executor, logs, secrets, engine, container],
  [swarmEngine]: [errors, setting, job, spine, executor, logs, secrets, engine, container],
  [wire]: [errors, schedule, job, access, model, stats, spine, readModels],
  [api]: [
    errors,
    'src/loop-round.ts',
    jobFile,
    schedule,
    job,
    access,
    model,
    stats,
    spine,
    readModels,
    authorizedRoom,
    peers,
    whoAsks,
    wire,
  ],
  'src/api/chronos': [errors, dag, jobFile, job, access, model, stats, spine, chronos, readModels, wire, api],
  'src/api/routes': [
    ...[errors, dag, jobFile, schedule, job, access, check, model, stats, spine, state, rules, readModels],
    ...[peers, whoAsks, wire, api, calendarFile],
    'src/api/chronos',
  ],
  'src/api/app.ts': [
    errors,
    access,
    authorizedRoom,
    stats,
    spine,
    peers,
    wire,
    api,
    'src/api/chronos',
    'src/api/routes',
  ],
  [auth]: [errors, job, access, model, spine, peers, whoAsks, settingsFile],
  [notify]: [errors, schedule, job, model, spine, chronos, settingsFile],
  [traces]: [errors, model, spine],
  [engineList]: [setting, model, spine, secrets, engine, processEngine, sshEngine, dockerEngine, swarmEngine],
  [node]: [
    ...[
      errors,
      setting,
      job,
      access,
      model,
      recordsRoom,
      spine,
      rules,
      'src/scheduler/runtime',
      'src/api/app.ts',
      'src/api/listener.ts',
    ],
    ...[store, 'src/store/embedded', 'src/store/zookeeper', 'src/store/zookeeper/wire'],
    ...[peers, supervisor, executor, secrets, logs, engineList, auth, notify, traces],
    ...[settingsFile, runPolicy],
  ],
  'src/cli': [
    ...[errors, dag, jobFile, calendarFile, schedule, job, access, check, model, chronos, rules],
    ...['src/node/config.ts', 'src/node/restore-options.ts', whoAsks],
  ],
};
const rooms = Object.keys(allowed).sort((a, b) => b.length - a.length);
const roomOf = (path: string): string =>
  rooms.find((room) => path === room || path.startsWith(`${room}/`)) ?? path;

/** Nobody imports the composition root; the reference store is there for whoever tests or simulates. */
// The types of tokens come before what uses them.
const roots = [
  'src/scheduler/model/token.ts',
  'src/main.ts',
  'src/store/memory.ts',
  'src/scheduler/job/template/liquid.d.ts',
];

/** More files than this are two rooms. `schedule/` is the largest. */
const MAX_FILES = 22;

/** npm packages of the core: pure themselves. */
const purePackages = ['typebox', 'typebox/compile', 'hdr-histogram-js', 'liquidjs/dist/liquid.browser.mjs'];
const isCore = (path: string): boolean => /^src\/(dag|scheduler)\/|^src\/errors\.ts$/.test(path);

/**
 * Words that hold an engine's name and mean something else: the client library, the default registry, a product, and
 * Docker's own client, whose keys and logins all engines of containers may use.
 */
const otherWords =
  /dockerode|DockerOptions|docker\.io|docker login|docker-credential-|\.docker\b|docker-?(config|tlsDir)|docker\.sock|to reach Docker|Docker Swarm/gi;
/** Who may name engines: their list, and Chronos, whose jobs have words of their own. */
const mayNameEngines = (path: string): boolean => path === engineList || path.startsWith(`${chronos}/`);

/** `'process'` is a word of the language too, so that only counts as a text. */
function namesEngine(name: string, line: string): boolean {
  const text = new RegExp(`['"\`]${name}['"\`]`);
  if (name === 'process') return text.test(line);
  // `isShort` names none.
  return name === 'ssh' ? /(?<![A-Za-z])ssh|Ssh|SSH/.test(line) : line.toLowerCase().includes(name);
}

function imported(source: Source, from: string): string {
  return relative(root, resolve(root, dirname(source.path), from));
}

function findings(check: (source: Source) => string[]): string[] {
  return sources.flatMap((source) => check(source).map((finding) => `${source.path}:${finding}`));
}

const isComment = (line: string): boolean => /^\s*(\*|\/\/|\/\*)/.test(line);

/** Lines that match, outside comments. */
function linesWith(source: Source, pattern: RegExp, advice: string): string[] {
  return source.lines.flatMap((line, i) =>
    pattern.test(line) && !isComment(line) ? [`${i + 1}: ${line.trim()} — ${advice}`] : [],
  );
}

describe('the house is tidy', () => {
  test('imports point inward, and edges do not know each other', () => {
    const found = findings((source) => {
      const room = roomOf(source.path);
      const may = allowed[room];
      if (may === undefined) return [];
      return source.imports.flatMap(({ from, line, typeOnly }) => {
        if (!from.startsWith('.')) return [];
        const target = imported(source, from);
        const other = roomOf(target);
        const wireType = room === 'src/cli' && other === wire && typeOnly;
        return other === room || may.includes(other) || may.includes(target) || wireType
          ? []
          : [`${line}: imports ${target}; ${room} may import ${may.join(', ')}`];
      });
    });
    expect(found).toEqual([]);
  });

  test('each file is in a room, and the rules run from the ground floor up', () => {
    expect(
      sources
        .map((source) => source.path)
        .filter((path) => path !== 'src/main.ts' && allowed[roomOf(path)] === undefined),
    ).toEqual([]);
    const floors = Object.keys(allowed);
    expect(
      floors.flatMap((room, floor) =>
        (allowed[room] ?? [])
          .filter((other) => floors.indexOf(roomOf(other)) >= floor)
          .map((other) => `${room} may import ${other}, which is not below it`),
      ),
    ).toEqual([]);
  });

  test('no folder has more files than a room', () => {
    const counts = new Map<string, number>();
    for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([, files]) => files > MAX_FILES)).toEqual([]);
  });

  test('nobody but its folder and the list of engines names an engine', () => {
    const names = engines.map(({ name }) => name);
    const named = (source: Source, name: string): string[] => {
      const isOwn = source.path.startsWith(`${executor}/${name}/`);
      return isOwn || mayNameEngines(source.path)
        ? []
        : source.lines.flatMap((line, i) =>
            !isComment(line) && namesEngine(name, line.replace(otherWords, ''))
              ? [`${source.path}:${i + 1}: ${line.trim()} — let the engine's description say it`]
              : [],
          );
    };
    const everyone = [...sources, ...webSources];
    expect(everyone.flatMap((source) => names.flatMap((name) => named(source, name)))).toEqual([]);
    const imports = findings((source) =>
      source.imports.flatMap(({ from, line }) => {
        const room = roomOf(imported(source, from));
        const isEngine = names.some((name) => room === `${executor}/${name}`);
        return isEngine && room !== roomOf(source.path) && source.path !== engineList
          ? [`${line}: imports ${from}`]
          : [];
      }),
    );
    expect(imports).toEqual([]);
  });

  test('the web app takes types of the wire only', () => {
    expect(
      webSources.flatMap((source) =>
        source.imports
          .filter(({ from }) => from.startsWith('.'))
          .filter(({ from, typeOnly }) => {
            const target = imported(source, from);
            return target.startsWith('src/') && !(typeOnly && roomOf(target) === wire);
          })
          .map(({ from, line }) => `${source.path}:${line}: imports ${from}`),
      ),
    ).toEqual([]);
  });

  test('the core uses pure packages only, and nothing of Node', () => {
    expect(
      findings((source) =>
        isCore(source.path)
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

  test('there are no import cycles, types included', () => {
    const edges = new Map(
      sources.map((source) => [
        source.path,
        source.imports.filter(({ from }) => from.startsWith('.')).map(({ from }) => imported(source, from)),
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

  test('no file outside the table and the rules tells kinds of records apart', () => {
    const kinds = Object.keys(records).join('|');
    const compared = new RegExp(`(?:case|[!=]==) '(?:${kinds})'`);
    const isNotice = /\bnotice\.kind\b/;
    const simulator = (readdirSync(join(root, 'test/sim')) as string[]).map((path) =>
      read(join('test/sim', path)),
    );
    expect(
      [...sources.filter(({ path }) => allowed[roomOf(path)]?.includes(recordsRoom)), ...simulator].flatMap(
        (source) =>
          linesWith(source, compared, 'give the kind a property in the table, or a rule in `Rules`')
            .filter((line) => !isNotice.test(line))
            .map((finding) => `${source.path}:${finding}`),
      ),
    ).toEqual([]);
  });

  test('nothing is read out of the id of a run, its variant or the text of a reason', () => {
    const key = '\\b(?:run\\.id|runId|variant|[rR]eason|[wW]hy\\.text)\\b';
    const reads = 'charAt|at|slice|substring|split|search|match|matchAll|replace|replaceAll';
    const asks = 'startsWith|endsWith|includes|indexOf|lastIndexOf';
    const parsed = new RegExp(
      `${key}\\??\\.(?:${reads}|${asks})\\(|${key}\\[\\d|(?:exec|test)\\([\\w.]*${key}`,
    );
    const may = ['src/scheduler/model/ids.ts', 'src/scheduler/records/steps.ts'];
    const judges = ['test/sim', 'test/chaos'].flatMap((folder) =>
      (readdirSync(join(root, folder)) as string[]).map((path) => read(join(folder, path))),
    );
    expect(
      [...sources, ...webSources, ...judges].flatMap((source) =>
        may.includes(source.path)
          ? []
          : linesWith(source, parsed, 'give the run a field, or the reason a code, that says it').map(
              (finding) => `${source.path}:${finding}`,
            ),
      ),
    ).toEqual([]);
  });

  test('only src/node/clock.ts reads the clock', () => {
    const pattern = /Date\.now\(|new Date\(\)|performance\.now\(|\bsetTimeout\(|\bsetInterval\(/;
    const may = (path: string): boolean => path === 'src/node/clock.ts' || path.startsWith('src/cli/');
    expect(
      findings((source) =>
        may(source.path) ? [] : linesWith(source, pattern, 'take time from the Clock port'),
      ),
    ).toEqual([]);
  });

  test('only src/scheduler/waiting.ts makes promises of timers', () => {
    const waits =
      /new Promise(?:<[^>]*>)?\(\((\w+)\) =>[^;]*?\.after\([^;]*?\b\1\b|\bnew Promise[^;]*\bsetTimeout\b/;
    // The race of the start with the end has no time limit; the command line has no clock but its own.
    const may = ['src/scheduler/waiting.ts', 'src/node/serve.ts', 'src/cli/program.ts'];
    expect(
      sources
        .filter(
          ({ path, text }) => !may.includes(path) && (waits.test(text) || text.includes('Promise.race(')),
        )
        .map(({ path }) => `${path} — use sleep or within`),
    ).toEqual([]);
    expect(may.filter((path) => !sources.some((source) => source.path === path))).toEqual([]);
  });

  test('log events are dotted words, and their fields have one name each', () => {
    const call =
      /\blog\??\.(?:info|warn|error|debug)\((?<fields>[^;]*?)(?<quote>['`])(?<event>[^'`\n]*)\k<quote>,?\s*\)/g;
    const isEvent = /^[a-z]+\.[a-z]+(-[a-z]+)*$/;
    const otherName = /[{,]\s*(err|launchName|jobName|runId)\s*[:,}]/;
    let calls = 0;
    const found = findings(({ text }) =>
      [...text.matchAll(call)].flatMap(({ groups }) => {
        calls++;
        const event = groups?.event?.replaceAll(/\$\{[^}]*\}/g, 'x') ?? '';
        const field = groups?.fields?.match(otherName)?.[1];
        return [
          ...(isEvent.test(event) || event === 'x-over' ? [] : [` ${event} — write subject.what-happened`]),
          ...(field === undefined ? [] : [` ${field} — write error, launch, job or run`]),
        ];
      }),
    );
    expect(found).toEqual([]);
    expect(calls).toBeGreaterThan(50);
  });

  test('only src/peers/client.ts speaks HTTP to other nodes', () => {
    // The command line is a client of the API; messages, heartbeats and traces go to services outside.
    const outside = ['src/auth/provider.ts', 'src/notify/http.ts', 'src/traces/collector.ts'];
    const isOther = (path: string) => !path.startsWith('src/cli/') && !outside.includes(path);
    const others = sources.filter(({ path }) => isOther(path));
    const calls = /(?:await|return|=>?|\() ?fetch\(/;
    expect(
      others.flatMap((source) =>
        linesWith(source, calls, 'use Peers').map((finding) => `${source.path}:${finding}`),
      ),
    ).toEqual([]);
  });

  test('the core holds no randomness', () => {
    expect(
      findings((source) =>
        isCore(source.path) ? linesWith(source, /Math\.random\(|randomUUID/, 'let it enter as data') : [],
      ),
    ).toEqual([]);
  });

  test('only src/main.ts reads the environment, and nobody prints past the log', () => {
    const may = (path: string): boolean => path === 'src/main.ts';
    expect(
      findings((source) =>
        may(source.path) ? [] : linesWith(source, /process\.env/, 'let src/node/config.ts read it'),
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

  test('texts say cannot', () => {
    const pages = ['', 'docs', 'docs/decisions'].flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => read(join(folder, name))),
    );
    const other = /\bcan(?: not|['’]t)\b/i;
    expect(
      [...sources, ...webSources, ...pages].flatMap(({ path, lines }) =>
        lines.flatMap((line, i) => (other.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
      ),
    ).toEqual([]);
  });

  test('nothing is left to be done later in the code', () => {
    expect(
      findings((source) => linesWith(source, /\b(TODO|FIXME|XXX|HACK)\b/, 'do it, or write it down as work')),
    ).toEqual([]);
  });
});
