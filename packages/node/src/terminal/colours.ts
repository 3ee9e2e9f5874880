import pc from "picocolors";

export type Colours = ReturnType<typeof pc.createColors>;

/** Colours for a stream: on a terminal, unless NO_COLOR or the like asks for none. */
export function coloursFor(stream: { readonly isTTY?: boolean }): Colours {
  return pc.createColors(pc.isColorSupported && stream.isTTY === true);
}
