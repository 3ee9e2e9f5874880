import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative, sep } from "node:path";
import ts from "typescript";

/** The root of the repository. */
export const root = join(import.meta.dirname, "..");

export interface Import {
  /** As it is written: "./tensor.ts", "node:fs", "@anabranch/engine". */
  readonly specifier: string;
  /** Only loaded where the code calls import(). */
  readonly dynamic: boolean;
}

/** A function with a body, by the name it has or that of what it is assigned to. */
export interface SourceFunction {
  readonly name: string;
  readonly lines: number;
}

export interface SourceFile {
  /** Relative to the root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** Relative paths of code in texts, such as those of workers. */
  readonly paths: readonly string[];
  readonly functions: readonly SourceFunction[];
}

const SKIPPED = new Set(["node_modules", "dist", "assets", "runs", "site", ".git", ".cache"]);

/** Paths of all files below a folder of the repository, relative to the root, with slashes. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name).split(sep).join("/");
    if (SKIPPED.has(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

export function readSource(path: string): SourceFile {
  const text = readText(path);
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const functions: SourceFunction[] = [];
  const paths: string[] = [];
  const line = (position: number) => file.getLineAndCharacterOfPosition(position).line;
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== undefined) imports.push(found);
    if (ts.isStringLiteral(node) && /^\.{1,2}\/.*\.ts$/.test(node.text)) paths.push(node.text);
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      functions.push({ name: nameOf(node), lines: line(node.end) - line(node.getStart(file)) + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, text, imports, paths, functions };
}

function importOf(node: ts.Node): Import | undefined {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
    return { specifier: (node.moduleSpecifier as ts.StringLiteral).text, dynamic: false };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, dynamic: false };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    if (argument !== undefined && ts.isStringLiteral(argument)) return { specifier: argument.text, dynamic: true };
  }
  return undefined;
}

function nameOf(node: ts.SignatureDeclaration): string {
  const named = [node, node.parent].find(
    (part): part is ts.Declaration & { name: ts.Node } => "name" in part && !!part.name,
  );
  return named?.name.getText() ?? "(anonymous)";
}

/** What a relative import names, relative to the root; the specifier itself for a package. */
export function resolveImport(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  const path = normalize(join(root, dirname(from), specifier));
  return relative(root, path).split(sep).join("/");
}
