/** Converts Chronos constraints to equivalent Swarm constraints, and back. */

/** A regular expression that is a plain word matches only that word; others have no counterpart. */
export function nativeConstraint(attribute: string, operator: string, value: string): string[] {
  const where = attribute === 'hostname' ? 'node.hostname' : `node.labels.${attribute}`;
  const plain = /^[\w-]+$/.test(value);
  if (operator === 'EQUALS' || (operator === 'LIKE' && plain)) return [`${where}==${value}`];
  return operator === 'UNLIKE' && plain ? [`${where}!=${value}`] : [];
}

/** Empty if Chronos cannot express it. */
export function chronosConstraint(text: string): string[][] {
  const match = /^node\.(?:labels\.([^=!]+)|(hostname)\s*)(==|!=)\s*(.*)$/.exec(text);
  if (match === null) return [];
  return [[match[1]?.trimEnd() ?? match[2] ?? '', match[3] === '==' ? 'EQUALS' : 'UNLIKE', match[4] ?? '']];
}
