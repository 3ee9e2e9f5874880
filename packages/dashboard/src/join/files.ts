/** Bytes that are read to find the names of columns. */
const headBytes = 65_536;

/** Names of the columns of a CSV file, from its first line. */
export async function csvColumns(file: File): Promise<string[]> {
  const text = await file
    .slice(0, headBytes)
    .text()
    .catch(() => "");
  const [line = ""] = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const cells = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g) ?? [];
  const names = cells.map((cell) =>
    cell
      .replace(/,$/, "")
      .replace(/^"(.*)"$/, "$1")
      .replaceAll('""', '"')
      .trim(),
  );
  return [...new Set(names)].filter((name) => name !== "");
}

/** The images of a chosen folder with their paths; the browser hides where the folder lies. */
export function imagesOf(files: FileList | null): { readonly path: string; readonly file: File }[] {
  return [...(files ?? [])]
    .filter(({ name }) => /\.(png|jpe?g)$/i.test(name) && !name.startsWith("."))
    .map((file) => ({ path: file.webkitRelativePath, file }));
}
