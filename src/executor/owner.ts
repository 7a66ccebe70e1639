/** The user whose rights count: a job's, where it runs as another than the scheduler. */

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}
