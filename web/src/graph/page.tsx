/** To come. */

export default function GraphPage() {
  return (
    <main className="page" id="main">
      <h1>Graph</h1>
    </main>
  );
}
