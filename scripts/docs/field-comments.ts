import ts from "typescript";
import { readText } from "../../tests/source-files.ts";

/**
 * The comments on the properties of the object schemas in a file, by the value of their `type` and the key path:
 * `comments.get("round.finished")?.get("secureAggregation.cut")`.
 */
export function fieldComments(path: string): Map<string, Map<string, string>> {
  const source = ts.createSourceFile(path, readText(path), ts.ScriptTarget.Latest, true);
  const found = new Map<string, Map<string, string>>();
  for (const statement of source.statements.filter(ts.isVariableStatement)) {
    for (const { initializer } of statement.declarationList.declarations) {
      const object = initializer === undefined ? undefined : firstObject(initializer);
      const type = object === undefined ? undefined : typeOf(object);
      if (object !== undefined && type !== undefined) found.set(type, commentsIn(object, ""));
    }
  }
  return found;
}

function typeOf(object: ts.ObjectLiteralExpression): string | undefined {
  const property = object.properties.find((one) => one.name?.getText() === "type");
  return /^type: z\.literal\("(.+)"\)$/.exec(property?.getText() ?? "")?.[1];
}

function commentsIn(object: ts.ObjectLiteralExpression, prefix: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const property of object.properties) {
    const path = prefix + (property.name?.getText() ?? "");
    const comments = ts.getJSDocCommentsAndTags(property).filter(ts.isJSDoc);
    const text = comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "").join(" ");
    if (text !== "") found.set(path, text.replace(/\s+/g, " "));
    const inner = ts.isPropertyAssignment(property) ? firstObject(property.initializer) : undefined;
    if (inner !== undefined) for (const [key, comment] of commentsIn(inner, `${path}.`)) found.set(key, comment);
  }
  return found;
}

function firstObject(node: ts.Node): ts.ObjectLiteralExpression | undefined {
  if (ts.isObjectLiteralExpression(node)) return node;
  return ts.forEachChild(node, firstObject);
}
