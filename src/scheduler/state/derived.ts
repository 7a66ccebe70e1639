/** What follows from the schedules and edges of all jobs, computed when it is needed and remembered until one changes. */

import type { Graph } from '../../dag/graph.ts';
import type { JoinSpec } from '../../dag/ready.ts';
import type { Schedule } from '../schedule/model.ts';
import { cadenceOf, joinSpecOf } from './cadence.ts';
import type { Entry } from './entry.ts';
import { branchesOf } from './lineage.ts';

/** Roots with cached branches; few are unfinished at once. */
const MAX_BRANCHES = 256;
/** All that are unfinished are looked at when a run ends. */
const MAX_PIPELINES = 10_000;

export class Derived {
  readonly #jobs: ReadonlyMap<string, Entry>;
  readonly #graph: Graph;
  readonly #cadences = new Map<string, string | null>();
  readonly #joinSpecs = new Map<string, JoinSpec>();
  readonly #branches = new Map<string, ReadonlySet<string>>();
  readonly #pipelines = new Map<string, ReadonlySet<string>>();

  constructor(jobs: ReadonlyMap<string, Entry>, graph: Graph) {
    this.#jobs = jobs;
    this.#graph = graph;
  }

  forget(): void {
    this.#pipelines.clear();
    this.#cadences.clear();
    this.#joinSpecs.clear();
    this.#branches.clear();
  }

  /** The jobs that a rerun or manual start of the root is sure to reach; see lineage.ts. */
  branches(root: string): ReadonlySet<string> {
    let branches = this.#branches.get(root);
    if (branches === undefined) {
      if (this.#branches.size >= MAX_BRANCHES) this.#branches.clear();
      branches = branchesOf(this.#graph, [root]);
      this.#branches.set(root, branches);
    }
    return branches;
  }

  /** The job and all that depend on it. */
  pipelineOf(name: string): ReadonlySet<string> {
    let jobs = this.#pipelines.get(name);
    if (jobs === undefined) {
      if (this.#pipelines.size >= MAX_PIPELINES) this.#pipelines.clear();
      jobs = new Set([name, ...this.#graph.descendants(name)]);
      this.#pipelines.set(name, jobs);
    }
    return jobs;
  }

  /** The rule for the job's rounds. Null for a job without parents. */
  joinSpec(entry: Entry): JoinSpec | null {
    const after = entry.job.definition.schedule?.after;
    if (after === undefined || entry.fault !== null) return null;
    let spec = this.#joinSpecs.get(entry.job.name);
    if (spec === undefined) {
      spec = joinSpecOf(
        after,
        (parent) => this.#cadence(parent),
        (parent) => this.timeSchedule(parent),
      );
      this.#joinSpecs.set(entry.job.name, spec);
    }
    return spec;
  }

  /** A text that is equal for jobs with the same due times. Null if there is none. */
  #cadence(name: string): string | null {
    const cadence = cadenceOf(name, (job) => ({
      schedule: this.#jobs.get(job)?.schedule ?? null,
      parents: this.#graph.parentsOf(job),
      known: this.#cadences.get(job),
    }));
    this.#cadences.set(name, cadence);
    return cadence;
  }

  /** The schedule that drives a job: its own, or that of its first scheduled ancestor. */
  timeSchedule(name: string): Schedule | null {
    const own = this.#jobs.get(name)?.schedule ?? null;
    if (own !== null) return own;
    for (const ancestor of this.#graph.ancestors(name)) {
      const schedule = this.#jobs.get(ancestor)?.schedule ?? null;
      if (schedule !== null) return schedule;
    }
    return null;
  }
}
