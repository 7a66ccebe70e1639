/** Entry point of the page: the data layer around the app, mounted in the document. */

// Before the pages, whose styles build on these.
import './styles/base.css';
import './styles/parts.css';
import './styles/fields.css';
import './styles/records.css';
import './styles/frame.css';

import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Gate } from './access/gate.tsx';
import { App } from './app.tsx';
import { LiveProvider } from './data/live-context.tsx';
import { queryClient } from './data/query-client.ts';
import { NoticeProvider } from './frame/notices.tsx';

createRoot(document.getElementById('app') as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <Gate>
        <LiveProvider>
          <NoticeProvider>
            <App />
          </NoticeProvider>
        </LiveProvider>
      </Gate>
    </QueryClientProvider>
  </StrictMode>,
);
