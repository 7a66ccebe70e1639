/**
 * Shown instead of a page that failed to render. The frame still works, and navigating elsewhere recovers.
 */

export const BrokenPage = ({ message }: { readonly message: string }) => (
  <main className="page" id="main">
    <h1>This page failed</h1>
    <p>
      Nothing changed on the server. Unsaved edits of a job are kept and reappear with its page.{' '}
      <code>{message}</code>
    </p>
    <button type="button" className="button" onClick={() => location.reload()}>
      Reload
    </button>
  </main>
);
