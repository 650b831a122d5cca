import type { JsonObject } from '../../call/json.ts';
import type { Operation } from './describe-route.ts';

const object = { type: 'object' };
const content = (schema: JsonObject): JsonObject => ({ 'application/json': { schema } });

const entity = {
  type: 'object',
  properties: { type: { type: 'string' }, id: { type: 'string' }, properties: object },
  required: ['type', 'id'],
};
const asked = {
  subject: { ...entity, description: 'The agent of the API key, or the human of the token beside it.' },
  action: { type: 'object', properties: { name: { const: 'tools/call' } }, required: ['name'] },
  resource: {
    ...entity,
    description: 'Type tool, id server/tool; properties.arguments and properties.definition are the call’s.',
  },
  context: object,
};
const decision = {
  type: 'object',
  properties: { decision: { type: 'boolean' }, context: object },
  required: ['decision'],
};

export const evaluationOperation: Operation = {
  summary: 'AuthZEN 1.0: one access evaluation',
  description: 'The signed verdict is in the context of the answer. A deny is 200.',
  requestBody: {
    required: true,
    content: content({
      type: 'object',
      properties: asked,
      required: ['subject', 'action', 'resource'],
    }),
  },
  responses: { 200: { description: 'Decided, signed and in the log.', content: content(decision) } },
};

export const batchOperation: Operation = {
  summary: 'AuthZEN 1.0: several access evaluations',
  requestBody: {
    required: true,
    content: content({
      type: 'object',
      properties: {
        ...asked,
        evaluations: { type: 'array', items: { type: 'object', properties: asked } },
        options: {
          type: 'object',
          properties: {
            evaluations_semantic: { enum: ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] },
          },
        },
      },
    }),
  },
  responses: {
    200: {
      description: 'One answer an evaluation, in their order; fewer where one of them ended it.',
      content: content({
        type: 'object',
        properties: { evaluations: { type: 'array', items: decision } },
      }),
    },
  },
};

export const configurationOperation: Operation = {
  summary: 'AuthZEN 1.0: where the evaluation endpoints are',
  responses: { 200: { description: 'The metadata of this decision point.', content: content(object) } },
};
