/** The number of entries that a panel does not show. */

import { Link } from 'wouter';

interface Props {
  readonly shown: number;
  readonly total: number;
  readonly to: string;
}

export const Rest = ({ shown, total, to }: Props) =>
  total <= shown ? null : (
    <p className="rest">
      <Link href={to}>and {(total - shown).toLocaleString('en')} more</Link>
    </p>
  );
