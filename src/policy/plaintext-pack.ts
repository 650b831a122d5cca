import { isMap, isScalar, type Node } from 'yaml';
import { pointer } from '../call/pointer.ts';
import { limits } from './limits.ts';
import { readTools, required } from './pack-fields.ts';
import type { PlaintextRule } from './plaintext.ts';
import type { PlaintextField } from './policy.ts';
import { recipientOfBase64, recipientOfJwk, type Recipient } from './recipient.ts';
import { drop, keep, redact, type Treatment } from './treatment.ts';
import type { YamlSource } from './yaml-source.ts';

const what = 'a rule on plaintext';

/** The `plaintext` of a pack. Refuses with POLICY_INVALID and the place. */
export function readPlaintext(yaml: YamlSource, node: Node | undefined): PlaintextRule[] {
  if (node === undefined) return [];
  return yaml.list(node, 'plaintext').map((rule) => readRule(yaml, rule));
}

function readRule(yaml: YamlSource, node: Node): PlaintextRule {
  const fields = yaml.fields(node, what, ['tools', 'fields', 'treatment', 'key']);
  const need = (name: 'tools' | 'fields' | 'treatment', example: string): Node =>
    required(yaml, node, fields.get(name), what, example);
  return {
    tools: readTools(yaml, need('tools', 'tools: ["server/tool"]'), what),
    fields: readFields(yaml, need('fields', 'fields: ["/argument", "result"]')),
    treatment: readTreatment(
      yaml,
      need('treatment', 'treatment: keep, redact, drop or encrypt'),
      fields.get('key'),
    ),
  };
}

function readFields(yaml: YamlSource, node: Node): ReadonlySet<PlaintextField | '*'> {
  const nodes = yaml.list(node, 'fields');
  if (nodes.length === 0) yaml.refuse(node, `${what} names no field; "*" is every field`);
  if (nodes.length > limits.fieldsPerRule) yaml.refuse(node, `more than ${limits.fieldsPerRule} fields`);
  return new Set(nodes.map((one) => readField(yaml, one)));
}

const parts = ['action', 'params', 'input', 'result', '*'] as const;

function readField(yaml: YamlSource, node: Node): PlaintextField | '*' {
  const text = yaml.string(node, 'a field');
  const part = parts.find((one) => one === text);
  if (part !== undefined) return part;
  if (!text.startsWith('/') || /~(?![01])/.test(text))
    return yaml.refuse(
      node,
      `unknown field ${JSON.stringify(text)}; a field is an argument as in /path, or ${parts.join(', ')}`,
    );
  // A commitment is to a whole argument: a part of one can be neither opened nor forgotten by itself.
  const name = text.slice(1);
  if (name.includes('/'))
    return yaml.refuse(node, 'a field is a whole argument: write only the first part, as in /path');
  const unescaped = name.replaceAll('~1', '/').replaceAll('~0', '~');
  return pointer(unescaped) as PlaintextField;
}

const plain: ReadonlyMap<string, Treatment> = new Map([
  ['keep', keep],
  ['redact', redact],
  ['drop', drop],
]);

function readTreatment(yaml: YamlSource, node: Node, key: Node | undefined): Treatment {
  const text = yaml.string(node, 'treatment');
  if (text === 'encrypt') {
    if (key !== undefined) return { kind: 'encrypt', recipient: readRecipient(yaml, key) };
    return yaml.refuse(node, 'encrypt needs a key: the auditor’s public key, base64 or a JWK');
  }
  const treatment = plain.get(text);
  if (treatment === undefined)
    return yaml.refuse(
      node,
      `unknown treatment ${JSON.stringify(text)}; write keep, redact, drop or encrypt`,
    );
  if (key !== undefined) yaml.refuse(key, `a key is for encrypt, and this says ${text}`);
  return treatment;
}

function readRecipient(yaml: YamlSource, node: Node): Recipient {
  const read = isScalar(node) ? readBase64(yaml, node) : readJwk(yaml, node);
  try {
    return read();
  } catch (thrown) {
    return yaml.refuse(node, `the key ${(thrown as Error).message}`);
  }
}

function readBase64(yaml: YamlSource, node: Node): () => Recipient {
  const text = yaml.string(node, 'key');
  return () => recipientOfBase64(text);
}

/** What a JWK may hold: `d` is read only to be refused by name. */
function readJwk(yaml: YamlSource, node: Node): () => Recipient {
  if (!isMap(node)) return yaml.refuse(node, 'a key is a public key in base64, or a JWK');
  const members = yaml.fields(node, 'a key', ['kty', 'crv', 'x', 'y', 'd', 'kid', 'use', 'alg']);
  const jwk = new Map<string, string>(
    [...members].map(([name, value]) => [name, yaml.string(value, `the key’s ${name}`)]),
  );
  return () => recipientOfJwk(jwk);
}
