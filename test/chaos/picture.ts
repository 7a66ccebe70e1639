/**
 * A history as a picture: time to the right; a lane per scheduler, per ZooKeeper server and for the engine, with
 * faults in place; a lane per job with every run, its wait and its work; violations in red across. Plain SVG,
 * titles tell the rest when the pointer rests on a thing.
 */

import { evidenceOf } from './evidence.ts';
import { type History, instantsOf, iso, type RoleSample, type Violation } from './history.ts';

const left = 120;
const top = 40;
const laneHeight = 22;
const barHeight = 14;
/** Wide enough to tell one second from the next, never too wide to open. */
const pixelsPerSecond = 12;
const mostPixels = 20_000;

const colours = {
  leader: '#2f6fbb',
  follower: '#b9d2ee',
  starting: '#e6e6e6',
  down: '#f6dcdc',
  up: '#cfe6cf',
  kill: '#444444',
  pause: '#c98a1b',
  'cut-off': '#8c54a8',
  isolate: '#5b2a78',
  wait: '#f0b37e',
  run: '#4c9a63',
  failed: '#b58a3c',
  violation: '#d11a1a',
} as const;

interface Page {
  readonly history: History;
  x(at: number): number;
  readonly parts: string[];
}

export function picture(history: History, violations: readonly Violation[]): string {
  const seconds = Math.max(1, (history.to - history.from) / 1_000);
  const scale = Math.min(pixelsPerSecond, mostPixels / seconds);
  const width = Math.ceil(left + seconds * scale + 20);
  const x = (at: number): number => round(left + ((at - history.from) / 1_000) * scale);
  const page: Page = { history, x, parts: [] };
  const members = [...history.schedulers, ...history.zookeepers];
  const hit = (target: string): boolean => history.faults.some((fault) => fault.target === target);
  const engines = ['dockerd', 'machine'].filter(hit);
  const lanes = [...members, ...engines, ...history.jobs.map(({ name }) => name)];
  const height = top + lanes.length * laneHeight + 40;
  drawAxis(page, height);
  lanes.forEach((lane, i) => {
    const y = top + i * laneHeight;
    text(page, 8, y + 12, lane, '#222222');
    if (history.schedulers.includes(lane)) drawRoles(page, lane, y);
    else if (i < members.length + engines.length)
      bar(page, { from: history.from, to: history.to, y, fill: colours.up, title: lane });
    else drawJob(page, lane, y);
    drawFaults(page, lane, y);
  });
  for (const each of violations) drawViolation(page, each, lanes, height);
  drawLegend(page, height - 14);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="8" y="16" font-size="13">Seed ${history.seed}, ${Math.round(seconds)} s from ${iso(history.from)}: ${violations.length} violations</text>`,
    ...page.parts,
    '</svg>\n',
  ].join('\n');
}

const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function text(page: Page, x: number, y: number, words: string, fill: string): void {
  page.parts.push(`<text x="${x}" y="${y}" fill="${fill}">${escaped(words)}</text>`);
}

function bar(
  page: Page,
  given: { from: number; to: number; y: number; fill: string; title: string; height?: number },
): void {
  const { from, to, y, fill, title, height = barHeight } = given;
  const x = page.x(Math.max(from, page.history.from));
  const width = Math.max(1.5, round(page.x(Math.min(to, page.history.to)) - x));
  page.parts.push(
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}"><title>${escaped(title)}</title></rect>`,
  );
}

/** A line each ten seconds. */
function drawAxis(page: Page, height: number): void {
  const { from, to } = page.history;
  for (let at = from; at <= to; at += 10_000) {
    const x = page.x(at);
    page.parts.push(`<line x1="${x}" y1="${top - 8}" x2="${x}" y2="${height - 30}" stroke="#eeeeee"/>`);
    text(page, x, top - 12, `${(at - from) / 1_000} s`, '#888888');
  }
}

function drawRoles(page: Page, node: string, y: number): void {
  const samples = page.history.roles.filter((sample) => sample.node === node);
  samples.forEach((sample: RoleSample, i) => {
    const to = samples[i + 1]?.at ?? page.history.to;
    if (to < page.history.from) return;
    const title = `${node}: ${sample.role}, term ${sample.term}, from ${iso(sample.at)}`;
    bar(page, { from: sample.at, to, y, fill: colours[sample.role], title });
  });
}

/** A thick mark where it was done, a thin one for as long as it lasted. */
function drawFaults(page: Page, lane: string, y: number): void {
  for (const { target, kind, from, to, led } of page.history.faults) {
    if (target !== lane) continue;
    const fill = colours[kind];
    const end = to ?? page.history.to;
    const title = `${kind} ${target}${led === true ? ' (leading)' : ''} ${iso(from)} for ${end - from} ms`;
    bar(page, { from, to: end, y: y + barHeight - 6, height: 6, fill, title });
    bar(page, { from, to: from, y: y - 2, height: barHeight + 4, fill, title });
  }
}

function drawJob(page: Page, name: string, y: number): void {
  const evidence = evidenceOf(page.history);
  const job = evidence.jobs.get(name);
  for (const due of job === undefined ? [] : instantsOf(job)) {
    const x = page.x(due);
    page.parts.push(
      `<line x1="${x}" y1="${y}" x2="${x}" y2="${y + barHeight}" stroke="#999999" stroke-width="0.5"/>`,
    );
  }
  for (const run of evidence.runsOf.get(name) ?? []) {
    const launches = evidence.launchesOf.get(run.id) ?? [];
    const dones = evidence.donesOf.get(run.id) ?? [];
    const first = launches[0];
    if (first === undefined) continue;
    // A child is due once its parents have ended, whatever its nominal instant.
    const ready = run.kind === 'parents' ? Math.min(run.createdAt, first.at) : run.due;
    const late = first.at - ready;
    bar(page, {
      from: ready,
      to: first.at,
      y: y + 5,
      height: 4,
      fill: colours.wait,
      title: `${run.id}: ${late} ms`,
    });
    for (const launch of launches) {
      const done = dones.find(({ attempt }) => attempt === launch.attempt);
      const fill = done?.exitCode === 0 ? colours.run : colours.failed;
      const title = `${run.id} attempt ${launch.attempt}: begun ${late} ms after due, ${run.state}`;
      bar(page, { from: launch.at, to: done?.at ?? launch.at, y: y + 2, height: 10, fill, title });
    }
  }
}

function drawViolation(page: Page, each: Violation, lanes: readonly string[], height: number): void {
  const x = page.x(Math.max(page.history.from, each.at));
  const lane = each.job === null ? -1 : lanes.indexOf(each.job);
  const title = `<title>${escaped(`${each.rule}: ${each.message}`)}</title>`;
  page.parts.push(
    `<line x1="${x}" y1="${top - 8}" x2="${x}" y2="${height - 30}" stroke="${colours.violation}" stroke-opacity="0.4">${title}</line>`,
  );
  if (lane < 0) return;
  const y = top + lane * laneHeight + barHeight / 2;
  page.parts.push(
    `<circle cx="${x}" cy="${y}" r="6" fill="none" stroke="${colours.violation}" stroke-width="2">${title}</circle>`,
  );
}

function drawLegend(page: Page, y: number): void {
  const words: readonly (readonly [keyof typeof colours, string])[] = [
    ['leader', 'leads'],
    ['follower', 'follows'],
    ['down', 'not reached'],
    ['kill', 'killed'],
    ['pause', 'paused'],
    ['cut-off', 'cut off from the ensemble'],
    ['isolate', 'isolated'],
    ['wait', 'due until begun'],
    ['run', 'runs'],
    ['failed', 'failed on purpose, or lost'],
    ['violation', 'violation'],
  ];
  let x = left;
  for (const [colour, word] of words) {
    page.parts.push(
      `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${colours[colour]}" stroke="#aaaaaa" stroke-width="0.5"/>`,
    );
    text(page, x + 14, y, word, '#444444');
    x += 30 + word.length * 6;
  }
}
