/**
 * Which nodes may run a job of an engine that each node has: the leader, any node, or nodes by their labels,
 * such as `zone==a,disk!=hdd`, where all conditions must hold.
 */

export type Labels = Readonly<Record<string, string>>;

/** Whether all wanted labels are there with these values. */
export const hasLabels = (labels: Labels, wanted: Labels): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);

const name = '[A-Za-z0-9._/-]{1,128}';
const value = '[A-Za-z0-9._/-]{1,256}';
/** The form of `run.host`. */
export const nodeNameForm = value;
export const labelName = new RegExp(`^${name}$`);
export const labelValue = new RegExp(`^${value}$`);

const condition = `${name}(?:==|!=)${value}`;
const conditions = `${condition}(?:, ?${condition})*`;
/** The form of `run.on`. */
export const nodeChoiceForm = `^(?:leader|any|all|(?:all, ?)?${conditions})$`;

/** Every node and host has this label: its name. */
const hostLabel = 'host';

/** Where a job may run: `run.host` is short for a condition. Undefined: it does not say. */
export const choiceOf = ({
  on,
  host,
}: {
  readonly on?: string;
  readonly host?: string;
}): string | undefined => (host === undefined ? on : `${hostLabel}==${host}`);

/** Whether only the leader may be chosen. */
export const isLeaderOnly = (on: string | undefined): boolean => on === undefined || on === 'leader';

/** Whether it runs on all hosts that are allowed, and not on one of them. */
export const isForAll = (on: string): boolean => /^all(?:,|$)/.test(on);

const conditionParts = new RegExp(`^(${name})(==|!=)(${value})$`);

/**
 * Whether a node with these labels may run the job. A label that a node does not have differs from every value.
 * A stored form that this version does not know allows no node.
 */
export function allows(on: string, labels: Labels): boolean {
  if (on === 'any' || on === 'all') return true;
  return String(on)
    .replace(/^all,/, '')
    .split(',')
    .every((text) => {
      const [, label = '', operator, wanted] = conditionParts.exec(text.trim()) ?? [];
      const equal = Object.hasOwn(labels, label) && labels[label] === wanted;
      return operator !== undefined && equal === (operator === '==');
    });
}
