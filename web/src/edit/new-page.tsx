/** To come. */

export default function EditPage() {
  return (
    <main className="page" id="main">
      <h1>Edit</h1>
    </main>
  );
}
