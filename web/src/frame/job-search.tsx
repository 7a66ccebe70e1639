/** Job search on every page: `/` focuses it, Enter opens the job list with the search. */

import { type FormEvent, useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { Icon } from '../parts/icon.tsx';

export function JobSearch() {
  const [, navigate] = useLocation();
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      event.preventDefault();
      input.current?.select();
      input.current?.focus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? '';
    navigate(text === '' ? '/jobs' : `/jobs?${new URLSearchParams({ q: text })}`);
  };

  return (
    <search>
      <form className="job-search" onSubmit={submit}>
        <Icon name="search" />
        <input ref={input} type="search" aria-label="Find jobs" placeholder="Find jobs" autoComplete="off" />
        <kbd>/</kbd>
      </form>
    </search>
  );
}
