/** One step of a guide: a file to save, or commands to run. */
export type GuideStep =
  | { readonly kind: "file"; readonly name: string; readonly text: string; readonly line: number }
  | { readonly kind: "commands"; readonly text: string; readonly line: number };

/**
 * The steps of a guide in order. Blocks of `sh` are commands that a reader types; a block of any language is a file where
 * the paragraph before it says `` as `NAME`: ``. All other blocks are only shown, so setting up is a block of `bash`.
 */
export function guideSteps(markdown: string): GuideStep[] {
  const blocks = markdown.matchAll(/([^\n]*)\n\n```(\w+)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(({ index, 1: before = "", 2: language, 3: text = "" }): GuideStep[] => {
    const line = markdown.slice(0, index).split("\n").length;
    const name = /(?:as|As) `([\w.-]+)`:$/.exec(before)?.[1] ?? /^`([\w.-]+)`:$/.exec(before)?.[1];
    if (name !== undefined) return [{ kind: "file", name, text, line }];
    return language === "sh" ? [{ kind: "commands", text, line }] : [];
  });
}

/** The commands of a block, one for each line; a backslash at the end of a line continues it. */
export function commandLines(text: string): string[] {
  return text
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** The words of a command line, with quotes taken away; variables and substitutions are not expanded. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:"([^"]*)"|'([^']*)'|[^\s"'])+/g)].map(([word]) => word.replaceAll(/["']/g, ""));
}
