/** The pages and their addresses. Each page is its own chunk, so that the first load stays small. */

import { lazy, Suspense } from 'react';
import { Link, Route, Switch, useLocation, useSearch } from 'wouter';
import { BrokenPage } from './frame/broken-page.tsx';
import { ErrorBoundary } from './frame/error-boundary.tsx';
import { Frame } from './frame/frame.tsx';
import { LeaveGuard } from './frame/leaving.tsx';
import HomePage from './home/page.tsx';

const JobsPage = lazy(() => import('./jobs/page.tsx'));
const JobPage = lazy(() => import('./job/page.tsx'));
const NewJobPage = lazy(() => import('./edit/new-page.tsx'));
const RunsPage = lazy(() => import('./runs/page.tsx'));
const RunPage = lazy(() => import('./run/page.tsx'));
const BackfillsPage = lazy(() => import('./backfills/page.tsx'));
const BackfillPage = lazy(() => import('./backfills/one-page.tsx'));
const GraphPage = lazy(() => import('./graph/page.tsx'));
const GridPage = lazy(() => import('./grid/page.tsx'));
const RoundPage = lazy(() => import('./round/page.tsx'));
const PlotsPage = lazy(() => import('./plots/page.tsx'));
const AlertsPage = lazy(() => import('./alerts/page.tsx'));
const TokensPage = lazy(() => import('./tokens/page.tsx'));
const AuditPage = lazy(() => import('./audit/page.tsx'));
const ClusterPage = lazy(() => import('./cluster/page.tsx'));

export function App() {
  return (
    <LeaveGuard>
      <Frame>
        <Pages />
      </Frame>
    </LeaveGuard>
  );
}

function Pages() {
  const [path] = useLocation();
  const search = useSearch();
  return (
    <ErrorBoundary of={`${path}?${search}`} instead={(message) => <BrokenPage message={message} />}>
      <Suspense fallback={<div className="page-pending" />}>
        <Switch>
          <Route path="/" component={HomePage} />
          <Route path="/jobs" component={JobsPage} />
          <Route path="/new" component={NewJobPage} />
          <Route path="/jobs/:name/:tab?">
            {({ name, tab }) => <JobPage key={name} name={name} tab={tab ?? 'overview'} />}
          </Route>
          <Route path="/runs" component={RunsPage} />
          <Route path="/runs/:id">{({ id }) => <RunPage key={id} id={id} />}</Route>
          <Route path="/backfills" component={BackfillsPage} />
          <Route path="/backfills/:id">{({ id }) => <BackfillPage key={id} id={id} />}</Route>
          <Route path="/graph" component={GraphPage} />
          <Route path="/grid" component={GridPage} />
          <Route path="/rounds/:name/:due">
            {({ name, due }) => <RoundPage key={`${name} ${due}`} name={name} due={due} />}
          </Route>
          <Route path="/plots" component={PlotsPage} />
          <Route path="/alerts" component={AlertsPage} />
          <Route path="/tokens" component={TokensPage} />
          <Route path="/audit" component={AuditPage} />
          <Route path="/cluster" component={ClusterPage} />
          <Route>
            <main className="page" id="main" tabIndex={-1}>
              <h1>Page not found</h1>
              <p>
                Check the address, or see the <Link href="/jobs">list of jobs</Link>.
              </p>
            </main>
          </Route>
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}
