/** To come. */

export default function JobPage({ name, tab }: { readonly name: string; readonly tab: string }) {
  return (
    <main className="page" id="main">
      <h1>
        {name} {tab}
      </h1>
    </main>
  );
}
