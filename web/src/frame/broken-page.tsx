/** In place of a page that broke: the frame stands, and going elsewhere mends it. */

export const BrokenPage = ({ message }: { readonly message: string }) => (
  <main className="page" id="main">
    <h1>This page broke</h1>
    <p>
      Nothing on the server has changed by it, and unsaved edits of a job are kept: they are there again when
      its page is. <code>{message}</code>
    </p>
    <button type="button" className="button" onClick={() => location.reload()}>
      Load it again
    </button>
  </main>
);
