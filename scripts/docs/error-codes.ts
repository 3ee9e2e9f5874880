import { dirname, posix } from "node:path";
import ts from "typescript";
import { filesBelow, readText } from "../../tests/source-files.ts";
import { type ContractCheck, contractArea, contractChecks, templateFamilies } from "./error-families.ts";
import { textOf } from "./expression-text.ts";

/** One place in the sources that makes an error. */
export interface ErrorSite {
  readonly code: string;
  /** `FILE:LINE`. */
  readonly place: string;
  /** What the error says, with `…` for values; undefined where only running code knows. */
  readonly message?: string;
  readonly advice?: string;
  /** It is an object with code and message, so that its area is one of errors. */
  readonly whole?: boolean;
}

/** A code written as a template that no rule here resolves. */
export interface UnresolvedCode {
  readonly place: string;
  readonly text: string;
}

const CODE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*\/[a-z][a-z0-9-]*$/;

/** A function that makes errors: parameters by name, and the area where its code is `AREA/${reason}`. */
interface Factory {
  readonly parameters: readonly string[];
  readonly area?: string;
  readonly reason: number;
  readonly message?: string;
  readonly advice?: string;
}

/**
 * Every error code in the sources of the packages: literals, and codes that a function completes from a literal, such as
 * `refuse("threshold", ...)`. Test files and test support are left out.
 */
export function errorSites(): Errors {
  found ??= readErrors();
  return found;
}

interface Errors {
  readonly sites: readonly ErrorSite[];
  readonly unresolved: readonly UnresolvedCode[];
}

let found: Errors | undefined;

function readErrors(): Errors {
  const files = filesBelow("packages")
    .filter((path) => /^packages\/\w+\/src\/.*\.tsx?$/.test(path))
    .filter((path) => !/\.test\.ts$|\/testing\/|\/conformance\//.test(path));
  const sources = new Map(files.map((path) => [path, parse(path)] as const));
  const factories = new Map([...sources].map(([path, source]) => [path, factoriesIn(source)] as const));
  const sites: ErrorSite[] = [];
  const unresolved: UnresolvedCode[] = [];
  for (const [path, source] of sources) {
    const known = new Map([...importedFactories(source, path, factories), ...factories.get(path)!]);
    visit(source, (node) => {
      const place = `${path}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`;
      sites.push(...sitesOf(node, place, known));
      if (isTemplateCode(node) && !isResolved(node, factories.get(path)!)) {
        const text = node.initializer.getText();
        const family = templateFamilies[`${path} ${text.slice(1, -1)}`];
        if (family === undefined) unresolved.push({ place, text });
        else sites.push(...family.map((code) => ({ code, place, ...partsOf(node.parent) })));
      }
    });
  }
  const areas = new Set(
    sites.filter(({ message, whole }) => whole || message !== undefined).map(({ code }) => areaOf(code)),
  );
  return { sites: sites.filter(({ code }) => areas.has(areaOf(code))), unresolved };
}

export function areaOf(code: string): string {
  return code.split("/")[0]!;
}

function parse(path: string): ts.SourceFile {
  const kind = path.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  return ts.createSourceFile(path, readText(path), ts.ScriptTarget.Latest, true, kind);
}

function visit(node: ts.Node, act: (node: ts.Node) => void): void {
  act(node);
  ts.forEachChild(node, (child) => visit(child, act));
}

/** The errors that a node makes: a literal code in its place, or a call of a factory with a literal reason. */
function sitesOf(node: ts.Node, place: string, known: ReadonlyMap<string, Factory>): ErrorSite[] {
  if (ts.isStringLiteralLike(node) && CODE.test(node.text)) {
    const holder = holderOf(node);
    if (holder === undefined) return [];
    if (ts.isCallExpression(holder)) return [{ code: node.text, place, ...partsOfCall(holder, node, known) }];
    if (ts.isArrayLiteralExpression(holder)) return [{ code: node.text, place, ...partsOfList(holder, node) }];
    if (!ts.isObjectLiteralExpression(holder)) return [{ code: node.text, place }];
    const whole = holder.properties.some(({ name }) => name?.getText() === "message");
    return [{ code: node.text, place, whole, ...partsOf(holder) }];
  }
  if (!ts.isCallExpression(node)) return [];
  const check = /^(?:contract|new Contract\(.*\))\.(\w+)$/.exec(node.expression.getText())?.[1] ?? "";
  if (check in contractChecks) return contractSites(node, contractChecks[check]!, place);
  const factory = known.get(nameOf(node.expression));
  if (factory?.area === undefined) return [];
  const reasons = literals(node.arguments[factory.reason]);
  const parts = partsOfCall(node, undefined, known);
  return reasons.map((reason) => ({ code: `${factory.area}/${reason}`, place, ...parts }));
}

/** The errors of a check of a `Contract`. */
function contractSites({ arguments: given }: ts.CallExpression, check: ContractCheck, place: string): ErrorSite[] {
  const textAt = (index: number | undefined) =>
    index === undefined || given[index] === undefined ? undefined : textOf(given[index]);
  const message = typeof check.message === "string" ? check.message : textAt(check.message);
  const parts = withoutNothing({ message, advice: textAt(check.advice) });
  const area = contractArea(place.split(":")[0]!);
  return literals(given[0]).map((reason) => ({ code: `${area}/${reason}`, place, ...parts }));
}

/** What makes an error of a literal: an object with `code`, a call, or another form; undefined: it makes none. */
function holderOf(node: ts.StringLiteralLike): ts.Node | undefined {
  let child: ts.Node = node;
  let parent = node.parent;
  while (ts.isConditionalExpression(parent) && parent.condition !== child) [child, parent] = [parent, parent.parent];
  if (ts.isPropertyAssignment(parent)) {
    const named = parent.name.getText() === "code" || parent.name.getText().startsWith('"commander.');
    return parent.initializer === child && named ? parent.parent : undefined;
  }
  if (ts.isCallExpression(parent)) return parent.arguments.includes(child as ts.Expression) ? parent : undefined;
  if (ts.isArrayLiteralExpression(parent)) return isComparison(parent) ? undefined : parent;
  return ts.isVariableDeclaration(parent) || ts.isArrowFunction(parent) ? parent : undefined;
}

/** Lists of codes that errors are compared with, such as `new Set([...])` and `[...].includes(code)`. */
function isComparison(list: ts.ArrayLiteralExpression): boolean {
  return ts.isNewExpression(list.parent) || ts.isPropertyAccessExpression(list.parent);
}

function isTemplateCode(
  node: ts.Node,
): node is ts.PropertyAssignment & { readonly parent: ts.ObjectLiteralExpression } {
  return ts.isPropertyAssignment(node) && node.name.getText() === "code" && ts.isTemplateExpression(node.initializer);
}

function isResolved(node: ts.Node, factories: ReadonlyMap<string, Factory>): boolean {
  const owner = ts.findAncestor(node, (at) => ts.isFunctionLike(at) && factories.has(functionName(at)));
  return owner !== undefined && factories.get(functionName(owner as ts.FunctionLike))?.area !== undefined;
}

/** Functions of a file that make an error of a code, or of the end of one, that they are given. */
function factoriesIn(source: ts.SourceFile): Map<string, Factory> {
  const found = new Map<string, Factory>();
  visit(source, (node) => {
    if (!ts.isPropertyAssignment(node) && !ts.isShorthandPropertyAssignment(node)) return;
    if (node.name.getText() !== "code" || !ts.isObjectLiteralExpression(node.parent)) return;
    const value = ts.isPropertyAssignment(node) ? node.initializer : node.name;
    const template = ts.isTemplateExpression(value) ? value : undefined;
    const wanted = template === undefined ? value.getText() : template.templateSpans[0]!.expression.getText();
    const owner = ts.findAncestor(node, (at) => ts.isFunctionLike(at) && parameterNames(at).includes(wanted));
    const name = owner === undefined ? "" : functionName(owner as ts.FunctionLike);
    const area = template?.head.text.replace(/\/$/, "");
    if (name === "" || area === "") return;
    const parameters = parameterNames(owner as ts.FunctionLike);
    const area_ = area === undefined ? {} : { area };
    found.set(name, { parameters, reason: parameters.indexOf(wanted), ...area_, ...partsOf(node.parent) });
  });
  return found;
}

function importedFactories(
  source: ts.SourceFile,
  path: string,
  factories: ReadonlyMap<string, ReadonlyMap<string, Factory>>,
): [string, Factory][] {
  return source.statements.filter(ts.isImportDeclaration).flatMap((statement) => {
    const target = posix.join(dirname(path), (statement.moduleSpecifier as ts.StringLiteral).text);
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) return [];
    return bindings.elements.flatMap(({ name, propertyName }) => {
      const factory = factories.get(target)?.get((propertyName ?? name).text);
      return factory === undefined ? [] : [[name.text, factory] as [string, Factory]];
    });
  });
}

function parameterNames(node: ts.Node): string[] {
  return ts.isFunctionLike(node) ? node.parameters.map(({ name }) => name.getText()) : [];
}

function functionName(node: ts.FunctionLike | ts.Node): string {
  if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) return node.name?.getText() ?? "";
  const parent = node.parent;
  return parent !== undefined && ts.isVariableDeclaration(parent) ? parent.name.getText() : "";
}

/** `refuse` of `refuse(...)`, `this.refuse(...)` and `contract?.refuse(...)`. */
function nameOf(callee: ts.Expression): string {
  return ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
}

function literals(node: ts.Expression | undefined): string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  return ts.isConditionalExpression(node) ? [...literals(node.whenTrue), ...literals(node.whenFalse)] : [];
}

/** Message and advice of an object that makes an error. */
function partsOf(object: ts.ObjectLiteralExpression): Pick<ErrorSite, "message" | "advice"> {
  const part = (wanted: string) => {
    for (const property of object.properties) {
      const found = ts.isSpreadAssignment(property) ? spreadPart(property.expression, wanted) : property;
      if (found === undefined || found.name?.getText() !== wanted) continue;
      if (ts.isPropertyAssignment(found)) return textOf(found.initializer);
      if (ts.isShorthandPropertyAssignment(found)) return textOf(found.name);
    }
    return undefined;
  };
  return withoutNothing({ message: part("message"), advice: part("advice") });
}

/** `advice` in `...(known ? { advice: "..." } : {})`. */
function spreadPart(expression: ts.Expression, wanted: string): ts.ObjectLiteralElementLike | undefined {
  let found: ts.ObjectLiteralElementLike | undefined;
  visit(expression, (node) => {
    if (ts.isObjectLiteralExpression(node)) found ??= node.properties.find((p) => p.name?.getText() === wanted);
  });
  return found;
}

/** Message and advice of a call: by the names of its parameters, else the first text of several words after the code. */
function partsOfCall(
  call: ts.CallExpression,
  code: ts.StringLiteralLike | undefined,
  known: ReadonlyMap<string, Factory>,
): Pick<ErrorSite, "message" | "advice"> {
  const factory = known.get(nameOf(call.expression));
  const named = (name: string) => {
    const argument = call.arguments[factory?.parameters.indexOf(name) ?? -1];
    return argument === undefined ? undefined : textOf(argument);
  };
  const after = code === undefined ? [] : call.arguments.slice(call.arguments.indexOf(code) + 1);
  const objects = call.arguments.filter(ts.isObjectLiteralExpression).map(partsOf);
  const message = named("message") ?? after.map(textOf).find((text) => text !== undefined && /\s/.test(text));
  return withoutNothing({
    message: message ?? factory?.message,
    advice: named("advice") ?? objects.find(({ advice }) => advice !== undefined)?.advice ?? factory?.advice,
  });
}

/** Message and advice after a code in a list, such as `["checkpoint/data", "the data have changed", "Put them back."]`. */
function partsOfList(list: ts.ArrayLiteralExpression, code: ts.StringLiteralLike) {
  const after = list.elements.slice(list.elements.indexOf(code) + 1).map(textOf);
  const [message, advice] = after.filter((text) => text !== undefined && /\s/.test(text));
  return withoutNothing({ message, advice });
}

function withoutNothing(parts: { message: string | undefined; advice: string | undefined }) {
  return Object.fromEntries(Object.entries(parts).filter(([, text]) => text !== undefined && /\w/.test(text)));
}
