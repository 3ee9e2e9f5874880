import type { Sketch } from "./compressor.ts";

/** Columns of all tables that are kept; those used last stay. A column takes five bytes, of SRHT up to two. */
const MOST_COLUMNS = 2 ** 23;

const tables = new Map<string, { readonly sketch: Sketch; readonly columns: number }>();

/**
 * The table of a name, drawn if it is not known: the clients of a round and their server draw the same one, and drawing it
 * takes ten times as long as a sketch.
 *
 * @param columns length of the vectors that it is for
 */
export function rememberedTable(name: string, columns: number, draw: () => Sketch): Sketch {
  const known = tables.get(name) ?? { sketch: draw(), columns };
  tables.delete(name);
  tables.set(name, known); // the last to go
  let kept = 0;
  for (const table of tables.values()) kept += table.columns;
  for (const [oldest, table] of tables) {
    if (kept <= MOST_COLUMNS) break;
    kept -= table.columns;
    tables.delete(oldest);
  }
  return known.sketch;
}
