import type { Expr, Node } from '../cel/syntax.ts';

/**
 * An expression as text that is the same for two expressions exactly when they are the same tree, whatever the blanks, brackets
 * and quotes of their sources. `args["path"]` is written as `args.path`.
 */
export function textOf(expr: Expr): string {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'constExpr':
      return constantText(exprKind.value);
    case 'identExpr':
      return exprKind.value.name;
    case 'selectExpr':
      return selectText(exprKind.value);
    case 'callExpr':
      return callText(exprKind.value);
    case 'listExpr':
      return `[${exprKind.value.elements.map(textOf).join(',')}]`;
    case 'structExpr':
      return structText(exprKind.value);
    case 'comprehensionExpr':
      return comprehensionText(exprKind.value);
    default:
      return '()';
  }
}

/** An integer and a double are two things here, although they are equal. */
function constantText({ constantKind: constant }: Node<'constExpr'>): string {
  switch (constant.case) {
    case 'stringValue':
      return JSON.stringify(constant.value);
    case 'bytesValue':
      return `bytes(${constant.value.join()})`;
    case 'boolValue':
    case 'doubleValue':
    case 'int64Value':
    case 'uint64Value':
      return `${constant.case}(${constant.value})`;
    default:
      return 'null';
  }
}

function selectText({ operand, field, testOnly }: Node<'selectExpr'>): string {
  const selected = fieldText(operand, field);
  return testOnly ? `has(${selected})` : selected;
}

function fieldText(operand: Expr | undefined, field: string): string {
  return `${operand === undefined ? '' : textOf(operand)}.${JSON.stringify(field)}`;
}

function callText({ function: name, target, args }: Node<'callExpr'>): string {
  const [first, second] = args;
  const key = second === undefined ? undefined : stringLiteral(second);
  if (name === '_[_]' && key !== undefined) return fieldText(first, key);
  const before = target === undefined ? '' : `${textOf(target)}.`;
  return `${before}${name}(${args.map(textOf).join(',')})`;
}

function structText({ messageName, entries }: Node<'structExpr'>): string {
  const written = entries.map(({ keyKind, value }) => {
    const key = keyKind.case === 'mapKey' ? textOf(keyKind.value) : JSON.stringify(keyKind.value ?? '');
    return `${key}:${value === undefined ? '' : textOf(value)}`;
  });
  return `${messageName}{${written.join(',')}}`;
}

function comprehensionText(macro: Node<'comprehensionExpr'>): string {
  const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = macro;
  const parts = [iterRange, accuInit, loopCondition, loopStep, result];
  const written = parts.map((part) => (part === undefined ? '' : textOf(part)));
  return `fold(${[iterVar, iterVar2, accuVar, ...written].join(';')})`;
}

export function stringLiteral(expr: Expr): string | undefined {
  const kind = expr.exprKind.case === 'constExpr' ? expr.exprKind.value.constantKind : undefined;
  return kind?.case === 'stringValue' ? kind.value : undefined;
}
