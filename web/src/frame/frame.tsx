/** The frame around every page: navigation, search, and whether the data is live. */

import { type ReactNode, useEffect } from 'react';
import { Link, useLocation } from 'wouter';
import { useMaySome } from '../access/may.ts';
import { MeMenu } from '../access/me-menu.tsx';
import { Icon, type IconName } from '../parts/icon.tsx';
import { JobSearch } from './job-search.tsx';
import { LiveMark } from './live-mark.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

const places: readonly { readonly to: string; readonly text: string; readonly icon: IconName }[] = [
  { to: '/', text: 'Now', icon: 'home' },
  { to: '/jobs', text: 'Jobs', icon: 'jobs' },
  { to: '/runs', text: 'Runs', icon: 'runs' },
  { to: '/alerts', text: 'Alerts', icon: 'alert' },
  { to: '/graph', text: 'Graph', icon: 'graph' },
  { to: '/grid', text: 'Grid', icon: 'grid' },
  { to: '/plots', text: 'Plots', icon: 'plots' },
  { to: '/cluster', text: 'Cluster', icon: 'cluster' },
];

export function Frame({ children }: { readonly children: ReactNode }) {
  const [location] = useLocation();
  const mayCreate = useMaySome('edit');
  useTopOfNewPages();
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <header className="frame">
        <Link href="/" className="brand" aria-label="Carillon, overview">
          <img src="/icon.svg" width="24" height="24" alt="" />
          <span>Carillon</span>
        </Link>
        <nav aria-label="Pages">
          {places.map(({ to, text, icon }) => {
            const here = to === '/' ? location === '/' : location === to || location.startsWith(`${to}/`);
            return (
              <Link key={to} href={to} aria-current={here ? 'page' : undefined}>
                <Icon name={icon} />
                <span>{text}</span>
              </Link>
            );
          })}
        </nav>
        <div className="frame-tools">
          <JobSearch />
          <LiveMark />
          <ThemeSwitch />
          <MeMenu />
          {mayCreate && (
            <Link href="/new" className="button button-primary new-job" aria-label="New job">
              <Icon name="plus" />
              <span>New job</span>
            </Link>
          )}
        </div>
      </header>
      {children}
    </>
  );
}

/** Scrolls a new page to its top. Going back restores the scroll position. */
function useTopOfNewPages(): void {
  useEffect(() => {
    let path = window.location.pathname;
    const onPush = () => {
      if (window.location.pathname !== path) scrollTo(0, 0);
      path = window.location.pathname;
    };
    const onPop = () => {
      path = window.location.pathname;
    };
    // The router announces its own navigation with this event.
    addEventListener('pushState', onPush);
    addEventListener('popstate', onPop);
    return () => {
      removeEventListener('pushState', onPush);
      removeEventListener('popstate', onPop);
    };
  }, []);
}
