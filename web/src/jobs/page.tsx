/** To come. */

export default function JobsPage() {
  return (
    <main className="page" id="main">
      <h1>Jobs</h1>
    </main>
  );
}
