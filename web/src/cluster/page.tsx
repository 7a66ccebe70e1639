/** To come. */

export default function ClusterPage() {
  return (
    <main className="page" id="main">
      <h1>Cluster</h1>
    </main>
  );
}
