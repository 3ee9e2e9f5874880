import ts from "typescript";

/** A stretch of prose in a file. */
export interface Text {
  readonly prose: string;
  /** Line on which it begins, from 1. */
  readonly line: number;
}

/** What stands for code in Markdown and for values in templates: one word, as a reader sees it. */
const VALUE = "…";

/**
 * The prose of a Markdown file, line by line as it was: blocks of code, rows of tables and targets of links are blank.
 * `tables: true` keeps the rows.
 */
export function markdownProse(markdown: string, { tables }: { readonly tables: boolean }): string {
  const blank = (found: string) => found.replace(/[^\n]/g, " ");
  const prose = markdown
    .replace(/^( *)(```|~~~)[\s\S]*?^\1\2/gm, blank)
    .replace(/<!--[\s\S]*?-->/g, blank)
    .replace(/`[^`\n]*`/g, (code) => VALUE.repeat(code.length))
    .replace(/(?<=\])\([^)\s]*\)/g, "")
    .replace(/https?:\/\/\S+/g, "");
  return tables ? prose : prose.replace(/^ *\|.*$/gm, "");
}

/**
 * The texts in a TypeScript file: strings and templates of two words or more. Of a test only the names of its cases, as
 * its other strings are inputs and quotations.
 */
export function sourceTexts(path: string, source: string): Text[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const isTest = path.endsWith(".test.ts");
  const texts: Text[] = [];
  const visit = (node: ts.Node): void => {
    const prose = proseOf(node);
    if (prose !== undefined && /\S\s+\S/.test(prose) && (!isTest || isTestName(node))) {
      texts.push({ prose, line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return texts;
}

function proseOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map((span) => VALUE + span.literal.text).join("");
}

/** Whether a string is the first argument of it(), describe() or one of their forms, such as it.each(cases)(). */
function isTestName(node: ts.Node): boolean {
  const call = node.parent;
  return (
    ts.isCallExpression(call) && call.arguments[0] === node && /^(it|test|describe)\b/.test(call.expression.getText())
  );
}
