import { matchesTool } from '../../call/tool-pattern.ts';
import type { JsonObject } from '../../call/json.ts';
import { nearest } from '../nearest.ts';
import { declaredAt, fitsTypes, typesOf, valuesOf, type Declared } from './argument-schema.ts';
import { argumentDemands, argumentUses, type ArgumentDemand, type ArgumentUse } from './argument-use.ts';
import type { CheckedCondition, CheckedRule } from './checked-rule.ts';
import type { KnownTools } from './known-tool.ts';
import type { Warning, WarningKind } from './warning.ts';

/** Where what a rule reads of the arguments is not what the tools that it is about declare. */
export function argumentWarnings(rules: readonly CheckedRule[], { tools }: KnownTools): Warning[] {
  return rules.flatMap((one) => {
    const { rule, condition } = one;
    if (condition === undefined || !rule.reads.has('args')) return [];
    const about = tools.flatMap(({ server, name, inputSchema }) =>
      inputSchema !== undefined && rule.tools.some((pattern) => matchesTool(pattern, server, name))
        ? [{ name: `${server}/${name}`, schema: inputSchema }]
        : [],
    );
    if (about.length === 0) return [];
    const reader = { rule: rule.id, condition, tools: about, tellsToolsApart: rule.reads.has('tool') };
    return [
      ...argumentUses(condition.expr).flatMap((use) => undeclared(reader, use)),
      ...argumentDemands(condition.expr).flatMap((demand) => misfit(reader, demand)),
    ].filter(isFirstOfItsSentence);
  });
}

interface Reader {
  readonly rule: string;
  readonly condition: CheckedCondition;
  readonly tools: readonly { readonly name: string; readonly schema: JsonObject }[];
  /** Whether the condition asks which tool is called, and so may read what only one of them has. */
  readonly tellsToolsApart: boolean;
}

function undeclared(reader: Reader, use: ArgumentUse): Warning[] {
  const { condition, tools, tellsToolsApart } = reader;
  const absent = tools.flatMap(({ name, schema }) => {
    const declared = declaredAt(schema, use.path);
    return declared.kind === 'absent' ? [{ name, declared }] : [];
  });
  const [first] = absent;
  if (first === undefined) return [];
  const isEverywhere = absent.length === tools.length;
  const guarded = isGuarded(use, condition);
  if (!isEverywhere && (tellsToolsApart || guarded)) return [];
  const meant = meantPath(
    use.path,
    absent.map(({ declared }) => declared),
  );
  // To ask for what no tool declares may be meant: one that takes more than it says is then refused.
  if (guarded && meant === undefined) return [];
  const hint = meant === undefined ? '' : `, did you mean ${written({ path: meant })}?`;
  const which = absent.length === 1 ? first.name : `${first.name} and ${absent.length - 1} more`;
  return [warning(reader, 'undeclared-argument', use, `${which} does not declare ${written(use)}${hint}`)];
}

type Absent = Extract<Declared, { kind: 'absent' }>;

/** The path with the first part that is not declared put right. */
function meantPath(path: readonly string[], absent: readonly Absent[]): readonly string[] | undefined {
  const at = Math.min(...absent.map((one) => one.at));
  const names = new Set(absent.filter((one) => one.at === at).flatMap((one) => one.names));
  const near = nearest(path[at] ?? '', names);
  return near === undefined ? undefined : path.with(at, near);
}

function isGuarded(use: ArgumentUse, { expr }: CheckedCondition): boolean {
  const path = use.path.join('\n');
  return argumentUses(expr).some((other) => other.asksPresence && other.path.join('\n') === path);
}

function misfit(reader: Reader, demand: ArgumentDemand): Warning[] {
  const schemas = reader.tools.map(({ schema }) => declaredAt(schema, demand.path));
  const declared = schemas.flatMap((one) => (one.kind === 'declared' ? [one.schema] : []));
  const [first] = declared;
  // One tool for which it fits is enough for the rule to mean it.
  if (first === undefined || schemas.some(({ kind }) => kind === 'open')) return [];
  if (declared.every((schema) => !fitsTypes(schema, demand.types))) return [mistyped(reader, demand, first)];
  const { value } = demand;
  const lists = declared.map(valuesOf);
  if (value === undefined || !lists.every((list) => list !== undefined && !list.includes(value))) return [];
  return [unlisted(reader, demand, value, new Set(lists.flatMap((list) => list ?? [])))];
}

function mistyped(reader: Reader, demand: ArgumentDemand, schema: JsonObject): Warning {
  const types = [...(typesOf(schema) ?? [])].join(' or ');
  const sentence = `${written(demand)} is declared as ${types}, and is asked about as ${demand.types.join(' or ')}`;
  return warning(reader, 'argument-type', demand, sentence);
}

function unlisted(
  reader: Reader,
  demand: ArgumentDemand,
  value: string,
  values: ReadonlySet<string>,
): Warning {
  const near = nearest(value, values);
  const hint = near === undefined ? '' : `, did you mean ${JSON.stringify(near)}?`;
  const sentence = `${written(demand)} is never ${JSON.stringify(value)}: its schema lists other values${hint}`;
  return warning(reader, 'argument-value', demand, sentence);
}

function warning(
  { rule, condition }: Reader,
  kind: WarningKind,
  { expr }: Pick<ArgumentUse, 'expr'>,
  found: string,
): Warning {
  return { kind, rule, place: condition.placeOf(expr), sentence: `in the rule ${rule}, ${found}` };
}

function written({ path }: Pick<ArgumentUse, 'path'>): string {
  return ['args', ...path].join('.');
}

/** An argument that is read twice is spoken of once. */
function isFirstOfItsSentence({ sentence }: Warning, index: number, all: readonly Warning[]): boolean {
  return all.findIndex((other) => other.sentence === sentence) === index;
}
