/** One job as written, unchecked. */
export interface WrittenJob {
  readonly definition: unknown;
  /** `jobs.yaml:12`: the line at which it begins. */
  readonly source: string;
  /** `jobs.yaml:14:5`: where a field of it stands; left out where the text is not at hand. */
  readonly placeOf?: (field: string) => string;
}
