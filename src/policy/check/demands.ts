import { isNumeric, sameLiteral, type Literal } from './literal.ts';

/** What one term of a condition must be for the whole to come out as asked. A term has one value within a decision. */
export type Demand =
  | { readonly kind: 'in'; readonly values: readonly Literal[] }
  | { readonly kind: 'not-in'; readonly values: readonly Literal[] }
  | { readonly kind: 'order'; readonly sign: OrderSign; readonly value: number | bigint }
  | TextDemand;

interface TextDemand {
  readonly kind: 'prefix' | 'suffix';
  readonly text: string;
  readonly holds: boolean;
}

export type OrderSign = '<' | '<=' | '>' | '>=';

/** A demand on the term that is written so. */
export interface TermDemand {
  readonly term: string;
  readonly demand: Demand;
}

/** False only when no value at all meets the demands on some term. `domains` are all values that a term can have. */
export function canAllHold(
  demands: readonly TermDemand[],
  domains: ReadonlyMap<string, readonly Literal[]>,
): boolean {
  const byTerm = new Map<string, Demand[]>();
  for (const { term, demand } of demands) {
    const known = byTerm.get(term);
    if (known === undefined) byTerm.set(term, [...domainOf(term, domains), demand]);
    else known.push(demand);
  }
  return [...byTerm.values()].every(canBeMet);
}

function domainOf(term: string, domains: ReadonlyMap<string, readonly Literal[]>): Demand[] {
  const values = domains.get(term);
  return values === undefined ? [] : [{ kind: 'in', values }];
}

function canBeMet(demands: readonly Demand[]): boolean {
  const listed = demands.find((one) => one.kind === 'in');
  if (listed !== undefined) return listed.values.some((value) => demands.every((one) => meets(value, one)));
  const orders = demands.filter((one) => one.kind === 'order');
  const texts = demands.filter((one): one is TextDemand => one.kind === 'prefix' || one.kind === 'suffix');
  // A number is no text, and each demand is an error on what it is not about.
  if (orders.length > 0 && texts.length > 0) return false;
  return canBeOrdered(orders, demands) && canStandTogether(texts);
}

function meets(value: Literal, demand: Demand): boolean {
  switch (demand.kind) {
    case 'in':
      return demand.values.some((one) => sameLiteral(one, value));
    case 'not-in':
      return !demand.values.some((one) => sameLiteral(one, value));
    case 'order':
      return isNumeric(value) && isOrdered(value, demand.sign, demand.value);
    case 'prefix':
      return typeof value === 'string' && value.startsWith(demand.text) === demand.holds;
    case 'suffix':
      return typeof value === 'string' && value.endsWith(demand.text) === demand.holds;
  }
}

function isOrdered(value: number | bigint, sign: OrderSign, than: number | bigint): boolean {
  switch (sign) {
    case '<':
      return value < than;
    case '<=':
      return value <= than;
    case '>':
      return value > than;
    case '>=':
      return value >= than;
  }
}

type Order = Extract<Demand, { kind: 'order' }>;

/** Numbers lie dense, as far as is known here: between two different bounds there is always one. */
function canBeOrdered(orders: readonly Order[], all: readonly Demand[]): boolean {
  const lows = orders.filter(({ sign }) => sign.startsWith('>'));
  const highs = orders.filter(({ sign }) => sign.startsWith('<'));
  return lows.every((low) =>
    highs.every((high) => {
      if (low.value < high.value) return true;
      return sameLiteral(low.value, high.value) && all.every((one) => meets(low.value, one));
    }),
  );
}

function canStandTogether(texts: readonly TextDemand[]): boolean {
  const wanted = texts.filter(({ holds }) => holds);
  return wanted.every((one) =>
    texts.every((other) => {
      if (other.kind !== one.kind) return true;
      const includes = one.kind === 'prefix' ? startsWith : endsWith;
      // A text that begins with the longer begins with the shorter too.
      if (!other.holds) return !includes(one.text, other.text);
      return includes(one.text, other.text) || includes(other.text, one.text);
    }),
  );
}

function startsWith(text: string, start: string): boolean {
  return text.startsWith(start);
}

function endsWith(text: string, end: string): boolean {
  return text.endsWith(end);
}
