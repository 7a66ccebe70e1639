/** Constraints of Chronos, and those of a Swarm that say the same. */

/** A regular expression that is a plain word matches that word alone; others have no counterpart. */
export function nativeConstraint(attribute: string, operator: string, value: string): string[] {
  const where = attribute === 'hostname' ? 'node.hostname' : `node.labels.${attribute}`;
  const plain = /^[\w-]+$/.test(value);
  if (operator === 'EQUALS' || (operator === 'LIKE' && plain)) return [`${where}==${value}`];
  return operator === 'UNLIKE' && plain ? [`${where}!=${value}`] : [];
}

/** None where Chronos can't say it. */
export function chronosConstraint(text: string): string[][] {
  const match = /^node\.(?:labels\.([^=!]+)|(hostname)\s*)(==|!=)\s*(.*)$/.exec(text);
  if (match === null) return [];
  return [[match[1]?.trimEnd() ?? match[2] ?? '', match[3] === '==' ? 'EQUALS' : 'UNLIKE', match[4] ?? '']];
}
