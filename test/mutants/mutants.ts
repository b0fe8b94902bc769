/** Small faults for compiled code: each mutant is one edit that some test ought to notice. */
import ts from 'typescript';

/** Puts `text` where the source has `start` to `end`. */
export interface Mutant {
  start: number;
  end: number;
  text: string;
}

/** Operators that are taken for each other, in JavaScript and in WGSL. */
const SWAPS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ['+', '-', '+'],
    ['*', '/', '*'],
    ['%', '*'],
    ['**', '*'],
    ['+=', '-=', '+='],
    ['*=', '/=', '*='],
    ['&', '|', '&'],
    ['^', '|'],
    ['<<', '>>', '<<'],
    ['>>>', '<<'],
    ['<', '<=', '<'],
    ['>', '>=', '>'],
    ['===', '!==', '==='],
    ['==', '!=', '=='],
    ['&&', '||', '&&'],
    ['??', '&&'],
  ].flatMap((cycle) => cycle.slice(1).map((to, k) => [cycle[k], to])),
);

/** Every mutant of a compiled file, in the order of the nodes. */
export function mutantsOf(source: string): Mutant[] {
  const found: Mutant[] = [];
  const file = ts.createSourceFile('file.js', source, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const add = (node: ts.Node, text: string) => found.push({ start: node.getStart(file), end: node.getEnd(), text });

  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken.getText(file);
      const joinsText =
        /^\+=?$/.test(operator) && [node.left, node.right].some((side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side));
      if (operator in SWAPS && !joinsText) add(node.operatorToken, SWAPS[operator]!);
    } else if (ts.isNumericLiteral(node)) {
      add(node, String(Number(node.text) + 1));
    } else if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword) {
      add(node, String(node.kind === ts.SyntaxKind.FalseKeyword));
    } else if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)) {
      add(node.expression, `!(${node.expression.getText(file)})`);
    } else if (ts.isConditionalExpression(node)) {
      add(node.condition, `!(${node.condition.getText(file)})`);
    } else if (ts.isExpressionStatement(node)) {
      add(node, ';');
    } else if (ts.isElementAccessExpression(node) && !ts.isLiteralExpression(node.argumentExpression)) {
      add(node.argumentExpression, `${node.argumentExpression.getText(file)} + 1`);
    } else if (isTemplate(node) && isWgsl(node, file)) {
      found.push(...wgslMutants(node.getText(file), node.getStart(file)));
    }
    node.forEachChild(visit);
  };
  visit(file);
  return found;
}

const isTemplate = (node: ts.Node) =>
  ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);

/** Whether a piece of a template belongs to shader text: by its tag, or by the functions that it declares. */
function isWgsl(piece: ts.Node, file: ts.SourceFile): boolean {
  let template: ts.Node = piece;
  while (template.parent && (isTemplate(template) || ts.isTemplateSpan(template))) template = template.parent;
  const { parent } = ts.isTemplateExpression(template) || isTemplate(template) ? template : piece;
  const tag = parent && ts.isTaggedTemplateExpression(parent) ? parent.tag.getText(file) : '';
  return tag === 'wgsl' || /\bfn \w+\(/.test(piece.getText(file));
}

/** WGSL by its text: operators between spaces, whole numbers, and lines that are one statement, outside of comments. */
function wgslMutants(text: string, offset: number): Mutant[] {
  const found: Mutant[] = [];
  const code = text.replaceAll(/\/\/[^\n]*|@\w+\([^)]*\)|^#[^\n]*/gm, (comment) => ' '.repeat(comment.length));
  const each = (pattern: RegExp, to: (match: string) => string | undefined) => {
    for (const { 0: match, index } of code.matchAll(pattern)) {
      const replaced = to(match);
      if (replaced !== undefined) found.push({ start: offset + index, end: offset + index + match.length, text: replaced });
    }
  };
  each(/(?<= )[-+*/%&|^<>=!]+(?= )/g, (operator) => SWAPS[operator]);
  each(/(?<![\w.])\d+(?=(\.\d*)?[iuf]?\b(?!\.))/g, (number) => String(Number(number) + 1));
  each(/(?<=^ *)(?!let |var |const |return|struct |if |for )[\w*][^\n{};]*;(?=$)/gm, () => ';');
  return found;
}
