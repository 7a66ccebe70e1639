/** To come. */

export default function HomePage() {
  return (
    <main className="page" id="main">
      <h1>Home</h1>
    </main>
  );
}
