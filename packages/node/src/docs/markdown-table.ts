/** Lines of a Markdown table. Cells are Markdown on one line, and may hold the sign that parts them. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cellOf = (text: string) => text.replace(/\s*[\r\n]+\s*/g, " ").replaceAll("|", "\\|");
  const line = (cells: readonly string[]) => `| ${cells.map(cellOf).join(" | ")} |`;
  return [line(heads), `|${"---|".repeat(heads.length)}`, ...rows.map(line)];
}
