import ts from "typescript";

/** What stands for a value that only running code knows. */
export const VALUE = "…";

/**
 * The text that an expression gives, with `…` for values; alternatives are separated by " / ". Undefined where nothing of
 * the text is in the source.
 */
export function textOf(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return textOf(node.expression);
  if (ts.isTemplateExpression(node)) {
    const spans = node.templateSpans.map(({ expression, literal }) => (wordOf(expression) ?? VALUE) + literal.text);
    return node.head.text + spans.join("");
  }
  if (ts.isConditionalExpression(node)) return alternatives([node.whenTrue, node.whenFalse]);
  if (ts.isBinaryExpression(node)) {
    if (node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) return alternatives([node.left, node.right]);
    if (node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return undefined;
    return (textOf(node.left) ?? VALUE) + (textOf(node.right) ?? VALUE);
  }
  return ts.isIdentifier(node) ? constantText(node) : undefined;
}

function alternatives(nodes: readonly ts.Expression[]): string | undefined {
  const texts = nodes.map(textOf).filter((text) => text !== undefined && text !== "");
  return texts.length === 0 ? undefined : [...new Set(texts)].join(" / ");
}

/** A constant of one text within a template: the value itself, where it is short and certain. */
function wordOf(node: ts.Expression): string | undefined {
  if (!ts.isIdentifier(node)) return undefined;
  const text = constantText(node);
  return text === undefined || text.includes(" / ") ? undefined : text;
}

/** The text of a constant that is declared in the same file. */
function constantText(node: ts.Identifier): string | undefined {
  let scope: ts.Node | undefined = node.parent;
  while (scope !== undefined) {
    if (ts.isBlock(scope) || ts.isSourceFile(scope) || ts.isCaseOrDefaultClause(scope)) {
      for (const statement of scope.statements) {
        if (!ts.isVariableStatement(statement)) continue;
        const found = statement.declarationList.declarations.find((one) => one.name.getText() === node.text);
        if (found?.initializer !== undefined && !ts.isIdentifier(found.initializer)) return textOf(found.initializer);
      }
    }
    scope = scope.parent;
  }
  return undefined;
}
