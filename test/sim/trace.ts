/** What happened, kept as values and put into words only when somebody reads it. */

/** Enough to see what led to a failure. */
const KEPT = 120;

interface Step {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly detail: unknown;
}

export class Trace {
  readonly #now: () => number;
  readonly #print: ((line: string) => void) | null;
  readonly #steps: Step[] = [];
  /** Of all steps, so that two runs can be compared. */
  hash = 0;

  /** `print` gets every line as it happens. */
  constructor(now: () => number, print: ((line: string) => void) | null) {
    this.#now = now;
    this.#print = print;
  }

  add(who: string, what: string, detail: unknown = null): void {
    const at = this.#now();
    this.hash = Math.imul(this.hash ^ at, 0x01000193) >>> 0;
    for (let i = 0; i < what.length; i++)
      this.hash = Math.imul(this.hash ^ what.charCodeAt(i), 0x01000193) >>> 0;
    const step = { at, who, what, detail };
    this.#print?.(words(step));
    this.#steps.push(step);
    if (this.#steps.length >= 2 * KEPT) this.#steps.splice(0, KEPT);
  }

  last(): string[] {
    return this.#steps.slice(-KEPT).map(words);
  }
}

function words({ at, who, what, detail }: Step): string {
  const error = (_: string, value: unknown): unknown => (value instanceof Error ? value.message : value);
  const rest = detail === null ? '' : typeof detail === 'string' ? detail : JSON.stringify(detail, error);
  return `${instant(at)}  ${who.padEnd(11)} ${what} ${rest}`.trimEnd();
}

/** `1:02:03.456` since the beginning. */
export function instant(at: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const seconds = `${two((at / 1_000) % 60)}.${String(at % 1_000).padStart(3, '0')}`;
  return `${Math.floor(at / 3_600_000)}:${two((at / 60_000) % 60)}:${seconds}`;
}
