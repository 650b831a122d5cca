import { didYouMean, nearest } from '../nearest.ts';
import { roots, type RecordShape, type Shape } from '../shapes.ts';
import { judgeCall, whyUnknown } from './calls.ts';
import { fits, isOpen, join, nameOf } from './kinds.ts';
import { operators } from './operators.ts';
import { rootOfFlow } from './flow.ts';
import { ConditionError, type Expr, type Node, type Syntax } from './syntax.ts';

/** Names in scope and their shapes, innermost first. */
type Scope = ReadonlyMap<string, Shape>;

const typeNames: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'type',
  'uint',
]);

const macroAccumulator = '@result';

/**
 * Refuses, before any call, what could only be an error: names and fields that do not exist, functions called wrongly,
 * operands that never fit, and a condition that is not a boolean. Throws `ConditionError`; returns the roots read.
 */
export function lintCondition(syntax: Syntax): ReadonlySet<string> {
  const lint = new Lint(syntax);
  const shape = lint.shapeOf(syntax.expr, roots);
  if (!fits(shape, 'bool')) {
    throw new ConditionError(`a condition must be true or false, and this one is ${nameOf(shape)}`, 0);
  }
  return lint.rootsRead;
}

/** The same for an expression whose value is used as it is: a JSON value or a number. Returns the roots read. */
export function lintValue(syntax: Syntax): ReadonlySet<string> {
  const lint = new Lint(syntax);
  const shape = lint.shapeOf(syntax.expr, roots);
  if (fits(shape, 'bytes', 'uint', 'timestamp', 'duration', 'type') && !isOpen(shape)) {
    throw new ConditionError(`this is to be a value of JSON, and it is ${nameOf(shape)}`, 0);
  }
  return lint.rootsRead;
}

class Lint {
  readonly rootsRead = new Set<string>();
  readonly #syntax: Syntax;

  constructor(syntax: Syntax) {
    this.#syntax = syntax;
  }

  #refuse(expr: Expr, sentence: string): never {
    throw new ConditionError(sentence, this.#syntax.offsetOf(expr));
  }

  shapeOf(expr: Expr, scope: Scope): Shape {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'constExpr':
        return this.#constant(expr, exprKind.value);
      case 'identExpr':
        return this.#name(expr, exprKind.value.name, scope);
      case 'selectExpr':
        return this.#select(expr, exprKind.value, scope);
      case 'callExpr':
        return this.#call(expr, exprKind.value, scope);
      case 'listExpr': {
        const elements = exprKind.value.elements.map((element) => this.shapeOf(element, scope));
        return { kind: 'list', of: elements.reduce(join, 'never') };
      }
      case 'structExpr':
        return this.#map(expr, exprKind.value, scope);
      case 'comprehensionExpr':
        return this.#comprehension(expr, exprKind.value, scope);
      default:
        return this.#refuse(expr, 'this is not an expression');
    }
  }

  /** The parser takes integers of any length; the engine would compute with them unchecked. */
  #constant(expr: Expr, { constantKind }: Node<'constExpr'>): Shape {
    switch (constantKind.case) {
      case 'int64Value':
        if (BigInt.asIntN(64, constantKind.value) === constantKind.value) return 'int';
        return this.#refuse(expr, 'this integer does not fit 64 bits');
      case 'uint64Value':
        if (BigInt.asUintN(64, constantKind.value) === constantKind.value) return 'uint';
        return this.#refuse(expr, 'this unsigned integer does not fit 64 bits');
      case 'doubleValue':
        if (Number.isFinite(constantKind.value)) return 'double';
        return this.#refuse(expr, 'this number is too large');
      case 'boolValue':
        return 'bool';
      case 'stringValue':
        return 'string';
      case 'bytesValue':
        return 'bytes';
      case 'nullValue':
        return 'null';
      default:
        return this.#refuse(expr, 'this literal is not supported');
    }
  }

  #name(expr: Expr, name: string, scope: Scope): Shape {
    const shape = scope.get(name);
    if (shape !== undefined) {
      if (roots.has(name)) this.rootsRead.add(name);
      return shape;
    }
    if (typeNames.has(name)) return 'type';
    const meant = didYouMean(nearest(name, scope.keys()) ?? ownerOf(name));
    return this.#refuse(
      expr,
      `there is no variable ${name}${meant}; there are ${[...roots.keys()].join(', ')}`,
    );
  }

  #select(expr: Expr, { operand, field, testOnly }: Node<'selectExpr'>, scope: Scope): Shape {
    if (operand === undefined) return this.#refuse(expr, 'this selects a field of nothing');
    const shape = this.#fieldOf(expr, this.shapeOf(operand, scope), field);
    return testOnly ? 'bool' : shape;
  }

  #fieldOf(expr: Expr, shape: Shape, field: string): Shape {
    if (isOpen(shape)) return shape;
    if (typeof shape === 'string' || shape.kind === 'list') {
      return this.#refuse(expr, `${nameOf(shape)} has no field ${field}`);
    }
    return shape.kind === 'map' ? shape.of : this.#declared(expr, shape, field);
  }

  #declared(expr: Expr, record: RecordShape, field: string): Shape {
    const shape = record.fields.get(field);
    if (shape !== undefined) return shape;
    const known = [...record.fields.keys()].join(', ');
    const near = nearest(field, record.fields.keys());
    const meant = didYouMean(near !== undefined && roots.has(record.name) ? `${record.name}.${near}` : near);
    return this.#refuse(expr, `${record.name} has no field ${field}${meant}; it has ${known}`);
  }

  #call(expr: Expr, call: Node<'callExpr'>, scope: Scope): Shape {
    const target = call.target === undefined ? undefined : this.shapeOf(call.target, scope);
    const operator = operators.get(call.function);
    const unknown =
      operator === undefined && call.function !== '_[_]' ? whyUnknown(call.function) : undefined;
    // Before its arguments: those of a misspelt macro have a name that is declared nowhere.
    if (unknown !== undefined) return this.#refuse(expr, unknown);
    const args = call.args.map((argument) => this.shapeOf(argument, scope));
    if (call.function === '_[_]') return this.#index(expr, call, args);
    if (call.function === '@in') this.#checkFieldName(expr, call.args[0], args[1]);
    const root = rootOfFlow.get(call.function);
    if (root !== undefined) {
      this.#checkFlow(expr, call);
      this.rootsRead.add(root);
    }
    const judged =
      operator === undefined ? judgeCall(call.function, target, args, call.args) : operator(args);
    return 'shape' in judged ? judged.shape : this.#refuse(expr, judged.refused);
  }

  /** The names of arguments come from nowhere: a rule that asks about all of them would never hold. */
  #checkFlow(expr: Expr, { function: name, args: [first] }: Node<'callExpr'>): void {
    if (first?.exprKind.case === 'identExpr' && first.exprKind.value.name === 'args')
      this.#refuse(expr, `${name} is asked of single arguments, as in ${name}(args.to)`);
  }

  #checkFieldName(expr: Expr, name: Expr | undefined, container: Shape | undefined): void {
    if (container === undefined || typeof container === 'string' || container.kind !== 'record') return;
    const literal = stringLiteral(name);
    if (literal !== undefined) this.#declared(expr, container, literal);
  }

  #index(expr: Expr, call: Node<'callExpr'>, [container = 'any', index = 'any']: readonly Shape[]): Shape {
    if (isOpen(container)) return container;
    if (typeof container === 'string') return this.#refuse(expr, `${nameOf(container)} cannot be indexed`);
    if (container.kind === 'map') return container.of;
    if (container.kind === 'list') {
      if (fits(index, 'int', 'uint', 'double')) return container.of;
      return this.#refuse(expr, `a list is indexed by numbers, and this is ${nameOf(index)}`);
    }
    const literal = stringLiteral(call.args[1]);
    if (literal !== undefined) return this.#declared(expr, container, literal);
    if (fits(index, 'string')) return 'any';
    return this.#refuse(expr, `the fields of ${container.name} are named by strings`);
  }

  #map(expr: Expr, { messageName, entries }: Node<'structExpr'>, scope: Scope): Shape {
    if (messageName !== '')
      return this.#refuse(expr, `there is no type ${messageName}; write a map, {"key": value}`);
    const values = entries.map((entry) => {
      if (entry.keyKind.case !== 'mapKey' || entry.value === undefined) {
        return this.#refuse(expr, 'an entry of a map is written "key": value');
      }
      const key = this.shapeOf(entry.keyKind.value, scope);
      if (!fits(key, 'string', 'bool', 'int', 'uint')) {
        return this.#refuse(entry.keyKind.value, `${nameOf(key)} is no key of a map`);
      }
      return this.shapeOf(entry.value, scope);
    });
    return { kind: 'map', of: values.reduce(join, 'never') };
  }

  /** An expanded macro. Its variable may hide nothing: `args.exists(args, …)` would read other than it looks. */
  #comprehension(expr: Expr, macro: Node<'comprehensionExpr'>, scope: Scope): Shape {
    const { iterVar, iterRange, accuInit, loopCondition, loopStep, result } = macro;
    if (!iterRange || !accuInit || !loopCondition || !loopStep || !result) {
      return this.#refuse(expr, 'this macro is incomplete');
    }
    if (scope.has(iterVar) || typeNames.has(iterVar)) {
      return this.#refuse(expr, `${iterVar} is already a name here; take another one`);
    }
    const element = this.#elementOf(iterRange, this.shapeOf(iterRange, scope));
    const start = this.shapeOf(accuInit, scope);
    const inner = new Map([...scope, [macroAccumulator, start], [iterVar, element]]);
    this.shapeOf(loopCondition, inner);
    const stepped = this.shapeOf(loopStep, inner);
    return this.shapeOf(result, new Map([...scope, [macroAccumulator, join(start, stepped)]]));
  }

  #elementOf(expr: Expr, shape: Shape): Shape {
    if (isOpen(shape)) return shape;
    if (typeof shape === 'string') return this.#refuse(expr, `${nameOf(shape)} has no elements`);
    if (shape.kind === 'list') return shape.of;
    return shape.kind === 'record' ? 'string' : 'any';
  }
}

/** `human.roles` for `roles`, where one variable alone has such a field. */
function ownerOf(field: string): string | undefined {
  const owners = [...roots].filter(
    ([, shape]) => typeof shape !== 'string' && shape.kind === 'record' && shape.fields.has(field),
  );
  const [only] = owners;
  return only !== undefined && owners.length === 1 ? `${only[0]}.${field}` : undefined;
}

function stringLiteral(expr: Expr | undefined): string | undefined {
  const constant = expr?.exprKind.case === 'constExpr' ? expr.exprKind.value.constantKind : undefined;
  return constant?.case === 'stringValue' ? constant.value : undefined;
}
