import type { ServerRef } from '../../call/call.ts';
import { canonicalJson } from '../../call/canonical-json.ts';
import type { Json, JsonObject } from '../../call/json.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { Action } from '../../gateway/http/actions.ts';
import { compileParameters, type Misfit } from '../../gateway/http/action-schema.ts';
import { createHttpActionTarget } from '../../targets/http-action.ts';
import type { Config } from '../config/schema.ts';

/** What policy and log call the actions of a configuration: `actions/NAME`. */
export const actionsServer = 'actions';

/** A configuration's actions, ready to be called, under a server whose digest covers every declaration. */
export interface DeclaredActions {
  readonly server: ServerRef;
  readonly actions: ReadonlyMap<string, Action>;
}

/**
 * Compiles the actions of a configuration. A definition is canonical JSON of what a call of it does: name, description,
 * schema, method and place. Headers are not in it: they hold credentials.
 *
 * @throws CountersignError `CONFIG_INVALID` for a schema that cannot be enforced.
 */
export function declareActions(declared: Config['actions']): DeclaredActions {
  const actions = new Map<string, Action>();
  const digests: Record<string, string> = {};
  for (const [name, { description, parameters, request }] of Object.entries(declared)) {
    const { method, url } = request;
    const definition = canonicalJson({
      name,
      ...(description === undefined ? {} : { description }),
      inputSchema: parameters as Json,
      request: { method, url },
    });
    const digest = hex(sha256(utf8(definition)));
    digests[name] = digest;
    actions.set(name, {
      definition: {
        sha256: digest,
        accepted: true,
        declaredProperties: Object.keys((parameters['properties'] as JsonObject | undefined) ?? {}),
        misfit: compile(name, parameters),
      },
      target: createHttpActionTarget({ request, fetch }),
    });
  }
  return { server: { name: actionsServer, digest: hex(sha256(utf8(canonicalJson(digests)))) }, actions };
}

function compile(name: string, parameters: JsonObject): Misfit {
  try {
    return compileParameters(parameters);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    throw new CountersignError(error.code, `actions.${name}: ${error.message}`, { cause: error });
  }
}
