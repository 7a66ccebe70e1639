/** A table that may be wider than its container: it scrolls by itself, also with the keyboard. */

import type { ReactNode } from 'react';

interface Props {
  readonly className?: string;
  readonly children: ReactNode;
}

export const TableScroll = ({ className, children }: Props) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the keyboard cannot scroll what has no links
  <div className={`table-scroll ${className ?? ''}`} tabIndex={0}>
    {children}
  </div>
);
