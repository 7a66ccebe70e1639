/** To come. */

export default function RunPage({ id }: { readonly id: string }) {
  return (
    <main className="page" id="main">
      <h1>{id}</h1>
    </main>
  );
}
