import { parse, unparse } from '@bufbuild/cel';
import { rootOfFlow } from '../cel/flow.ts';
import { meterIsEmpty, refillMeter } from '../cel/meter.ts';
import { compileProgram, type Bindings } from '../cel/program.ts';
import { parseCondition, type Expr, type Node } from '../cel/syntax.ts';
import { roots } from '../shapes.ts';
import type { Explained, Found } from './explained.ts';
import { bindingsWith, elementsOf, wantedOf, type Element } from './macro-elements.ts';
import { macroOf, type Macro } from './macro.ts';
import { seenFrom } from './seen-from.ts';
import { shownValue } from './shown-value.ts';
import { whyOf } from './why.ts';

/** A condition's source → its explanation for a call. The source must be one that compiles. */
export function explainCondition(source: string, bindings: Bindings): Explained {
  parseCondition(source);
  const parsed = parse(source);
  const written = (expr: Expr): string => unparse({ ...parsed, expr });
  return new Explainer(written).explain(parsed.expr, bindings);
}

class Explainer {
  readonly #written: (expr: Expr) => string;
  readonly #programs = new Map<Expr, ReturnType<typeof compileProgram>>();

  constructor(written: (expr: Expr) => string) {
    this.#written = written;
  }

  explain(expr: Expr, bindings: Bindings, needed = true): Explained {
    const found = this.#run(expr, bindings);
    const within = this.#parts(expr, bindings, found, needed);
    const shown =
      'value' in found
        ? shownValue(found.value)
        : { error: whyOf(expr, found.error, within.parts, bindings) };
    return { text: this.#written(expr), needed, ...shown, ...within };
  }

  /** By the very program that decides, with a decision's steps for each. */
  #run(expr: Expr, bindings: Bindings): Found {
    refillMeter();
    return this.#answer(expr, bindings);
  }

  #answer(expr: Expr, bindings: Bindings): Found {
    let program = this.#programs.get(expr);
    if (program === undefined) this.#programs.set(expr, (program = compileProgram(expr)));
    const value = program(bindings);
    if (value !== undefined) return { value };
    return { error: meterIsEmpty() ? 'steps' : 'kind' };
  }

  #parts(expr: Expr, bindings: Bindings, found: Found, needed: boolean): Pick<Explained, 'parts' | 'macro'> {
    const { exprKind } = expr;
    const each = (parts: readonly Expr[]): Explained[] =>
      parts.filter(isWorthSaying).map((part) => this.explain(part, bindings, needed));
    switch (exprKind.case) {
      case 'selectExpr':
        return { parts: this.#selected(exprKind.value, bindings, found, needed) };
      case 'callExpr':
        return { parts: this.#operands(expr, exprKind.value, bindings, found, needed) };
      case 'listExpr':
        return { parts: each(exprKind.value.elements) };
      case 'structExpr':
        return {
          parts: each(exprKind.value.entries.flatMap(({ value }) => (value === undefined ? [] : [value]))),
        };
      case 'comprehensionExpr':
        return this.#folded(exprKind.value, bindings, found, needed);
      default:
        return { parts: [] };
    }
  }

  /** A path that leads somewhere is one sub-expression; where one breaks off, what it broke off from is said. */
  #selected(
    { operand }: Node<'selectExpr'>,
    bindings: Bindings,
    found: Found,
    needed: boolean,
  ): readonly Explained[] {
    if (operand === undefined) return [];
    if ('value' in found && isPath(operand)) return [];
    // A whole root says nothing of why one of its fields is not there.
    const part = this.explain(operand, bindings, needed);
    const isRoot = operand.exprKind.case === 'identExpr' && roots.has(operand.exprKind.value.name);
    return isRoot && 'value' in part ? [] : [part];
  }

  #operands(
    expr: Expr,
    { function: name, target, args }: Node<'callExpr'>,
    bindings: Bindings,
    found: Found,
    needed: boolean,
  ): readonly Explained[] {
    if (name === '_&&_' || name === '_||_') return this.#chained(chainOf(expr, name), name, bindings, needed);
    if (name === '_?_:_') return this.#branches(args, bindings, needed);
    if (name === '_[_]' && 'value' in found && isPath(expr)) return [];
    const parts = [...(target === undefined ? [] : [target]), ...args]
      .filter(isWorthSaying)
      .map((part) => this.explain(part, bindings, needed));
    const [first] = parts;
    const seen = rootOfFlow.get(name) === 'origins' && first !== undefined && seenFrom(first, bindings);
    return seen ? [...parts, seen] : parts;
  }

  /** `a && b && c` is one list of operands; the first false one decides, whatever the others are. */
  #chained(
    operands: readonly Expr[],
    name: '_&&_' | '_||_',
    bindings: Bindings,
    needed: boolean,
  ): readonly Explained[] {
    const absorbing = name === '_||_';
    const decides = (operand: Expr): boolean => {
      const found = this.#run(operand, bindings);
      return 'value' in found && found.value === absorbing;
    };
    const deciding = operands.find(decides);
    return operands.map((operand) =>
      this.explain(operand, bindings, needed && (deciding === undefined || operand === deciding)),
    );
  }

  #branches(
    [condition, ...branches]: readonly Expr[],
    bindings: Bindings,
    needed: boolean,
  ): readonly Explained[] {
    if (condition === undefined) return [];
    const found = this.#run(condition, bindings);
    const taken =
      'value' in found && typeof found.value === 'boolean' ? branches[found.value ? 0 : 1] : undefined;
    return [
      this.explain(condition, bindings, needed),
      ...branches.map((branch) => this.explain(branch, bindings, needed && branch === taken)),
    ];
  }

  #folded(
    expanded: Node<'comprehensionExpr'>,
    bindings: Bindings,
    found: Found,
    needed: boolean,
  ): Pick<Explained, 'parts' | 'macro'> {
    const macro = macroOf(expanded);
    if (macro === undefined) return { parts: [] };
    const parts = [this.explain(macro.range, bindings, needed)];
    const range = this.#run(macro.range, bindings);
    const elements = 'value' in range ? elementsOf(range.value) : undefined;
    if (elements === undefined) return { parts };
    refillMeter();
    const decisive = this.#decisive(macro, elements, bindings, found);
    if (decisive === undefined) return { parts, macro: { of: elements.length } };
    const { at, value, asked } = decisive;
    const body = this.explain(asked, bindingsWith(bindings, macro.variable, value), needed);
    return { parts, macro: { of: elements.length, element: { at, shown: shownValue(value), body } } };
  }

  /** The first element without which the macro would have come out otherwise. */
  #decisive(
    macro: Macro,
    elements: readonly Element[],
    bindings: Bindings,
    found: Found,
  ): (Element & { readonly asked: Expr }) | undefined {
    const wanted = wantedOf(macro.name, found);
    if (wanted === undefined) return undefined;
    for (const element of elements) {
      const inner = bindingsWith(bindings, macro.variable, element.value);
      for (const asked of macro.filter === undefined ? [macro.body] : [macro.filter, macro.body]) {
        const answer = this.#answer(asked, inner);
        if (wanted(answer, asked === macro.body && macro.name === 'map')) return { ...element, asked };
        // What is filtered away is not turned into anything.
        if (asked === macro.filter && !('value' in answer && answer.value === true)) break;
      }
    }
    return undefined;
  }
}

/** The operands of `a && b && c`, however they are bracketed. */
function chainOf(expr: Expr, name: string): readonly Expr[] {
  const call = expr.exprKind.case === 'callExpr' ? expr.exprKind.value : undefined;
  return call?.function === name ? call.args.flatMap((one) => chainOf(one, name)) : [expr];
}

/** Literals and names of types say what they are. */
function isWorthSaying({ exprKind }: Expr): boolean {
  return exprKind.case !== 'constExpr';
}

/** A variable, or what is reached from one by names and literal indices alone. */
function isPath({ exprKind }: Expr): boolean {
  if (exprKind.case === 'identExpr') return true;
  if (exprKind.case === 'selectExpr')
    return exprKind.value.operand !== undefined && isPath(exprKind.value.operand);
  if (exprKind.case !== 'callExpr' || exprKind.value.function !== '_[_]') return false;
  const [container, index] = exprKind.value.args;
  return container !== undefined && isPath(container) && index?.exprKind.case === 'constExpr';
}
