/** The title of the page in the browser's tab. */

import { useEffect } from 'react';

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'Carillon' : `${title} · Carillon`;
  }, [title]);
}
