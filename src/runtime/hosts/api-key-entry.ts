import { isObject } from '../doctor/host-servers.ts';
import { keyInput, keyVariable, type KeyReference } from './agent-host.ts';
import { withValue } from './changes.ts';

export type Entry = Readonly<Record<string, unknown>>;

/** Whether an entry says already where its API key is from. */
export function hasKey({ env, env_vars: forwarded }: Entry): boolean {
  return (
    (isObject(env) && Object.hasOwn(env, keyVariable)) ||
    (Array.isArray(forwarded) && forwarded.includes(keyVariable))
  );
}

/** An entry whose server gets the API key: `inFile` itself, or as the host can refer to it. */
export function entryWithKey(entry: Entry, key: KeyReference, inFile: string | undefined): Entry {
  if (hasKey(entry)) return entry;
  if (inFile !== undefined) return withVariable(entry, inFile);
  if (key.kind === 'none') return entry;
  if (key.kind !== 'forwarded') return withVariable(entry, key.value);
  const names: readonly unknown[] = Array.isArray(entry['env_vars']) ? entry['env_vars'] : [];
  return { ...entry, env_vars: [...names, keyVariable] };
}

/** What has no use for the key does not keep it. */
export function entryWithoutKey(entry: Entry): Entry {
  const { env, env_vars: forwarded, ...rest } = entry;
  const variables = isObject(env) ? Object.entries(env).filter(([name]) => name !== keyVariable) : undefined;
  const names = Array.isArray(forwarded) ? forwarded.filter((name) => name !== keyVariable) : undefined;
  return {
    ...rest,
    ...left('env', env, variables && { rest: Object.fromEntries(variables), count: variables.length }),
    ...left('env_vars', forwarded, names && { rest: names, count: names.length }),
  };
}

/** What is empty without the key was made for it. */
function left(
  name: string,
  was: unknown,
  now: { readonly rest: unknown; readonly count: number } | undefined,
): Entry {
  if (now === undefined) return was === undefined ? {} : { [name]: was };
  return now.count === 0 ? {} : { [name]: now.rest };
}

function withVariable(entry: Entry, value: string): Entry {
  const env = isObject(entry['env']) ? entry['env'] : {};
  return { ...entry, env: { ...env, [keyVariable]: value } };
}

/** The configuration with the question for the key that its entries refer to; without it where none does. */
export function withInputs(root: unknown, key: KeyReference): unknown {
  if (key.kind !== 'asked' || !isObject(root)) return root;
  const inputs: readonly unknown[] = Array.isArray(root['inputs']) ? root['inputs'] : [];
  const others = inputs.filter((input) => !isObject(input) || input['id'] !== keyInput);
  const isAsked = JSON.stringify({ ...root, inputs: others }).includes(key.value);
  if (isAsked) return others.length < inputs.length ? root : { ...root, inputs: [...inputs, key.input] };
  if (others.length === inputs.length) return root;
  return withValue(root, ['inputs'], others.length > 0 ? others : undefined);
}
