/** To come. */

export default function PlotsPage() {
  return (
    <main className="page" id="main">
      <h1>Plots</h1>
    </main>
  );
}
