import { canonicalJson } from '../../call/canonical-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { callerRequestOf, type CallerRequest } from '../../gate/caller-request.ts';
import type { Principal } from '../../identity/principal.ts';

/** An evaluation of AuthZEN as the call that it asks about. */
export interface Evaluation {
  readonly request: CallerRequest;
  /** Canonical JSON of `{subject, action, resource, context?}`: what the verdict commits to, and whoever asked can print again. */
  readonly params: Uint8Array;
}

/** What an agent does to a tool. */
const toolCall = 'tools/call';
const parts = ['subject', 'action', 'resource', 'context'] as const;

/**
 * `subject` is the agent of the API key, or the human of the token that came with it; `action.name` is `tools/call`;
 * `resource` is `{type: "tool", id: "server/tool", properties: {arguments?, definition?}}`. Properties of subject and action,
 * and `context`, are committed to, and are no input of policy: nobody has verified them. Whatever else AuthZEN may add is passed
 * over, as it demands.
 *
 * @throws CountersignError FRAME_INVALID for what is no such question, SUBJECT_FOREIGN for one about somebody else.
 */
export function evaluationOf(asked: JsonObject, principal: Principal): Evaluation {
  const [subject, action, resource] = [
    entity(asked, 'subject'),
    part(asked, 'action'),
    entity(asked, 'resource'),
  ];
  if (typeof action['name'] !== 'string') throw wrong('action has a name');
  if (asked['context'] !== undefined && !isJsonObject(asked['context'])) throw wrong('context is an object');
  requireOwn(subject, principal);
  if (action['name'] !== toolCall) throw wrong(`the action that is decided here is ${toolCall}`);
  const { type, id, properties = {} } = resource;
  const slash = id.indexOf('/');
  if (type !== 'tool' || slash < 0) throw wrong('resource is of type tool, and its id is server/tool');
  if (!isJsonObject(properties)) throw wrong('resource.properties is an object');
  const { definition, arguments: given } = properties;
  return {
    request: callerRequestOf({
      server: id.slice(0, slash),
      tool: id.slice(slash + 1),
      ...(definition !== undefined && { definition }),
      ...(given !== undefined && { arguments: given }),
    }),
    params: utf8(canonicalJson(known(asked))),
  };
}

/** The items of a batch, each with what the request says for all of them; undefined when it is a single evaluation. */
export function batchOf(asked: JsonObject): readonly Json[] | undefined {
  const { evaluations } = asked;
  if (evaluations === undefined) return undefined;
  if (!Array.isArray(evaluations)) throw wrong('evaluations is a list');
  if (evaluations.length === 0) return undefined;
  if (evaluations.length > maxEvaluations) throw wrong(`evaluations has at most ${maxEvaluations} items`);
  return evaluations.map((item) => (isJsonObject(item) ? { ...known(asked), ...known(item) } : item));
}

const maxEvaluations = 100;

const semantics = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const;
export type Semantic = (typeof semantics)[number];

export function semanticOf({ options = {} }: JsonObject): Semantic {
  if (!isJsonObject(options)) throw wrong('options is an object');
  const asked = options['evaluations_semantic'] ?? 'execute_all';
  const semantic = semantics.find((each) => each === asked);
  if (semantic === undefined) throw wrong(`evaluations_semantic is one of ${semantics.join(', ')}`);
  return semantic;
}

/** Only what the standard names: an item replaces each of these whole. */
function known(asked: JsonObject): JsonObject {
  const members = parts.flatMap((name): [string, Json][] => {
    const value = asked[name];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(members);
}

/** The API key is the agent's, and a token the human's: who asks about others has proved nothing of them. */
function requireOwn({ type, id }: Entity, { agent, human }: Principal): void {
  const isAgent = type === 'agent' && (id === agent.value.id || id === agent.value.id.split('/').at(-1));
  const isHuman = type === 'user' && human?.verified === true && id === human.value.subject;
  if (!isAgent && !isHuman) {
    throw new CountersignError(
      'SUBJECT_FOREIGN',
      'The subject is neither the agent of the API key nor the human whose token came with it.',
    );
  }
}

interface Entity {
  readonly type: string;
  readonly id: string;
  readonly properties?: Json;
}

function entity(asked: JsonObject, name: 'subject' | 'resource'): Entity {
  const { type, id, properties } = part(asked, name);
  if (typeof type !== 'string' || typeof id !== 'string') throw wrong(`${name} has a type and an id`);
  return { type, id, ...(properties !== undefined && { properties }) };
}

function part(asked: JsonObject, name: 'subject' | 'action' | 'resource'): JsonObject {
  const value = asked[name];
  if (!isJsonObject(value)) throw wrong(`${name} is an object, and has to be there`);
  return value;
}

function wrong(what: string): CountersignError {
  return new CountersignError('FRAME_INVALID', `This is no access evaluation: ${what}.`);
}
