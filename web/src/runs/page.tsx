/** To come. */

export default function RunsPage() {
  return (
    <main className="page" id="main">
      <h1>Runs</h1>
    </main>
  );
}
