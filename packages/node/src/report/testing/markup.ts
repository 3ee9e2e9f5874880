/** Looks at markup as a strict parser does; for tests. */

/** Characters that XML 1.0 forbids, as a document must not hold them at all. */
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const NAME = "[A-Za-z_][\\w:.-]*";
const ATTRIBUTE = `\\s+(${NAME})="([^"<]*)"`;
const TAG = new RegExp(`<(/?)(${NAME})((?:${ATTRIBUTE})*)\\s*(/?)>`, "y");
const REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i;

/** Why a text is no well-formed XML document; undefined where it is. Comments and CDATA are not allowed here. */
export function xmlDefect(text: string): string | undefined {
  const forbidden = NOT_XML.exec(text);
  if (forbidden !== null) return `U+${forbidden[0].codePointAt(0)!.toString(16)} at ${forbidden.index}`;
  const open: string[] = [];
  let roots = 0;
  for (let at = text.startsWith("<?xml") ? text.indexOf("?>") + 2 : 0; at < text.length; ) {
    const next = text.indexOf("<", at);
    const between = text.slice(at, next < 0 ? text.length : next);
    if (REFERENCE.test(between)) return `a bare & in "${between}"`;
    if (open.length === 0 && between.trim() !== "") return `text outside of the root: "${between}"`;
    if (next < 0) break;
    TAG.lastIndex = next;
    const tag = TAG.exec(text);
    if (tag === null) return `no tag: "${text.slice(next, next + 60)}"`;
    const [whole, closing, name, attributes, , , empty] = tag;
    if (REFERENCE.test(attributes!)) return `a bare & in the attributes of <${name}>`;
    const names = [...attributes!.matchAll(new RegExp(ATTRIBUTE, "g"))].map((match) => match[1]);
    if (new Set(names).size < names.length) return `an attribute of <${name}> stands there twice`;
    if (closing === "/") {
      if (open.pop() !== name) return `</${name}> closes nothing`;
    } else {
      if (open.length === 0) roots++;
      if (empty === "") open.push(name!);
    }
    at = next + whole.length;
  }
  if (open.length > 0) return `<${open.at(-1)}> stays open`;
  return roots === 1 ? undefined : `${roots} root elements`;
}

/** The elements of a page with the names of their attributes, each once, as a lenient parser would see them. */
export function elementKinds(html: string): string[] {
  const body = html.replace(/<style>[\s\S]*?<\/style>/g, "<style></style>");
  const kinds = [...body.matchAll(/<([a-z!/?][^\s>/]*)([^>]*)>/gi)].map(([, name, rest]) => {
    const attributes = [...rest!.matchAll(/([^\s"'<>/=]+)\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+)/g)];
    return [name, ...new Set(attributes.map((match) => match[1]).sort())].join(" ");
  });
  return [...new Set(kinds)].sort();
}

/** Cells of each line of a Markdown table, as GitHub parts them: at bars without a backslash. */
export function tableCells(lines: readonly string[]): number[] {
  return lines.map((line) => line.replace(/\\[\s\S]/g, "").split("|").length - 2);
}
