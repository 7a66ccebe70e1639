/** Tabs of a page, each with its own address. */

import { Link } from 'wouter';

interface Props {
  readonly label: string;
  readonly tabs: readonly { readonly key: string; readonly text: string; readonly to: string }[];
  readonly chosen: string;
}

export const Tabs = ({ label, tabs, chosen }: Props) => (
  <nav className="tabs" aria-label={label}>
    {tabs.map(({ key, text, to }) => (
      <Link key={key} href={to} aria-current={key === chosen ? 'page' : undefined}>
        {text}
      </Link>
    ))}
  </nav>
);
