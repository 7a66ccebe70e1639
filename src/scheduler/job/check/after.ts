/** Checks what a job says about its parents. Whether they exist is checked where all jobs are known. */

import type { AfterDefinition } from '../definition.ts';
import { parentName, perOf } from '../parents.ts';
import type { Findings } from '../schema/explain.ts';

const path = 'schedule.after';

export function checkAfter(after: AfterDefinition, findings: Findings): void {
  checkOnce(after, findings);
  checkOneInterval(after, findings);
  checkBesidePer(after, findings);
}

function checkOnce({ parents }: AfterDefinition, findings: Findings): void {
  const names = parents.map(parentName);
  const twice = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twice === -1) return;
  const name = names[twice] as string;
  findings.add('INVALID_FIELD', `${path}.parents names ${name} more than once. Allowed: each job once.`, {
    field: `${path}.parents[${twice}]`,
    value: name,
    allowed: 'each job once',
  });
}

/** The round of a child is one interval, whichever parent has it. */
function checkOneInterval(after: AfterDefinition, findings: Findings): void {
  const per = perOf(after);
  after.parents.forEach((parent, index) => {
    if (typeof parent === 'string' || parent.per === undefined || parent.per === per) return;
    findings.add(
      'INVALID_FIELD',
      `${path}.parents[${index}].per is ${parent.per}, but the rounds of this job are per ${per}. Allowed: ${per}.`,
      { field: `${path}.parents[${index}].per`, value: parent.per, allowed: [per as string] },
    );
  });
}

function checkBesidePer(after: AfterDefinition, findings: Findings): void {
  const { timezone, weekStart } = after;
  const per = perOf(after);
  if (timezone !== undefined && per === undefined) {
    findings.add('INVALID_FIELD', `${path}.timezone has no effect without per.`, {
      field: `${path}.timezone`,
      value: timezone,
      allowed: 'with per',
    });
  }
  if (weekStart !== undefined && per !== 'week') {
    findings.add('INVALID_FIELD', `${path}.weekStart has no effect without per: week.`, {
      field: `${path}.weekStart`,
      value: weekStart,
      allowed: 'with per: week',
    });
  }
}
