import type { Node } from 'yaml';
import type { JsonObject } from '../../call/json.ts';
import { allowCodes, reasonCodes } from '../../names.ts';
import { nearest } from '../nearest.ts';
import { required } from '../pack-fields.ts';
import type { PolicySource } from '../policy.ts';
import { readJson, readJsonObject } from '../yaml-json.ts';
import { YamlSource } from '../yaml-source.ts';
import type { CaseFile, Expectation, FindingExpectation, PolicyCase } from './policy-case.ts';
import { readInput } from './read-input.ts';

/**
 * Cases as data, read as strictly as a pack: throws POLICY_INVALID with `name:line:column`. Without `policies` they are about the
 * pack of the same name.
 */
export function readCases(source: PolicySource): CaseFile {
  const yaml = new YamlSource(source);
  const what = 'a file of cases';
  const fields = yaml.fields(yaml.root, what, ['policies', 'cases']);
  const nodes = yaml.list(required(yaml, yaml.root, fields.get('cases'), what, 'cases: […]'), 'cases');
  return {
    policies: readPolicies(yaml, fields.get('policies'), source.name),
    cases: nodes.map((node) => readCase(yaml, node)),
  };
}

function readPolicies(yaml: YamlSource, node: Node | undefined, name: string): readonly string[] {
  if (node === undefined) return [packOf(name)];
  const names = yaml.list(node, 'policies').map((one) => yaml.string(one, 'a policy'));
  return names.length > 0 ? names : yaml.refuse(node, 'policies names no pack');
}

/** `starter.yaml` of `policies/starter.cases.yaml`. */
function packOf(name: string): string {
  return name.replace(/^.*[\\/]/, '').replace(/\.cases\.(ya?ml)$/, '.$1');
}

function readCase(yaml: YamlSource, node: Node): PolicyCase {
  const fields = yaml.fields(node, 'a case', ['title', 'input', 'expect']);
  const titleNode = required(yaml, node, fields.get('title'), 'a case', 'title: what it shows');
  const title = yaml.string(titleNode, 'title').trim();
  if (title === '' || /\p{Cc}/u.test(title)) yaml.refuse(titleNode, 'a title is one line that is not empty');
  const expectNode = required(yaml, node, fields.get('expect'), 'a case', 'expect: {verdict: …, code: …}');
  return {
    title,
    place: yaml.placeOf(titleNode),
    input: readInput(yaml, fields.get('input')),
    expect: readExpectation(yaml, expectNode),
  };
}

function readExpectation(yaml: YamlSource, node: Node): Expectation {
  const fields = yaml.fields(node, 'an expectation', [
    ...(['verdict', 'code', 'rule', 'obligations', 'enforced', 'shadow'] as const),
  ]);
  const finding = readFinding(yaml, node, fields);
  const codeNode = required(yaml, node, fields.get('code'), 'an expectation', 'code: RULE_ALLOWS or another');
  const [obligations, enforced, shadow] = [
    fields.get('obligations'),
    fields.get('enforced'),
    fields.get('shadow'),
  ];
  return {
    ...finding,
    code: readCode(yaml, codeNode),
    ...(obligations && { obligations: readObligations(yaml, obligations) }),
    ...(enforced && { enforced: readBoolean(yaml, enforced, 'enforced') }),
    ...(shadow && {
      shadow: readFinding(yaml, shadow, yaml.fields(shadow, 'shadow', ['verdict', 'code', 'rule'])),
    }),
  };
}

function readFinding(yaml: YamlSource, node: Node, fields: ReadonlyMap<string, Node>): FindingExpectation {
  const verdict = required(yaml, node, fields.get('verdict'), 'an expectation', 'verdict: ALLOW or DENY');
  const [code, rule] = [fields.get('code'), fields.get('rule')];
  return {
    verdict: readVerdict(yaml, verdict),
    ...(code && { code: readCode(yaml, code) }),
    ...(rule && { rule: yaml.string(rule, 'rule') }),
  };
}

function readVerdict(yaml: YamlSource, node: Node): 'ALLOW' | 'DENY' {
  const verdict = yaml.string(node, 'verdict');
  if (verdict === 'ALLOW' || verdict === 'DENY') return verdict;
  return yaml.refuse(node, `unknown verdict ${JSON.stringify(verdict)}; write ALLOW or DENY`);
}

const codes: readonly string[] = [...allowCodes, ...reasonCodes];

function readCode(yaml: YamlSource, node: Node): string {
  const code = yaml.string(node, 'code');
  if (codes.includes(code)) return code;
  const near = nearest(code, codes);
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  return yaml.refuse(node, `there is no code ${JSON.stringify(code)}${hint}`);
}

function readBoolean(yaml: YamlSource, node: Node, what: string): boolean {
  const value = readJson(yaml, node);
  return typeof value === 'boolean' ? value : yaml.refuse(node, `${what} must be true or false`);
}

function readObligations(yaml: YamlSource, node: Node): readonly JsonObject[] {
  return yaml.list(node, 'obligations').map((one) => readJsonObject(yaml, one, 'an obligation'));
}
