import type { JsonObject } from '../../call/json.ts';
import type { Operation } from './describe-route.ts';

const callId = { type: 'string', format: 'uuid' };
const object = { type: 'object' };
const content = (schema: JsonObject): JsonObject => ({ 'application/json': { schema } });

const definition = {
  type: 'object',
  description: 'What the tool is. Pinned when it is declared first; another definition is denied.',
  properties: {
    name: { type: 'string' },
    description: { type: 'string' },
    inputSchema: object,
    annotations: object,
  },
  required: ['name'],
};

export const decideOperation: Operation = {
  summary: 'Decides a call that the caller carries out itself',
  description:
    'With an ALLOW comes a handle, by which the caller reports once what came of the call. The same request under the same id is answered alike.',
  requestBody: {
    required: true,
    content: content({
      type: 'object',
      properties: {
        callId: { ...callId, description: 'A UUIDv7 of the caller’s own, so that it can ask again.' },
        server: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' },
        tool: { type: 'string' },
        definition,
        tools: { type: 'array', items: definition },
        arguments: object,
        era: { enum: ['modern', 'legacy'] },
        request: {
          type: 'string',
          maxLength: 65_536,
          description: 'What the person asked for, in their words: rules may hold arguments against it.',
        },
        confirmed: {
          const: true,
          description:
            'The person was shown exactly this call and said yes: stated as the word of the caller.',
        },
        context: { type: 'object', description: 'Committed to with the whole request. No policy variable.' },
        settleWithin: { type: 'integer', minimum: 1, description: 'Milliseconds.' },
      },
      required: ['server', 'tool'],
      additionalProperties: false,
    }),
  },
  responses: {
    200: {
      description: 'Decided, signed and in the log: ALLOW or DENY.',
      content: content({
        type: 'object',
        properties: {
          callId,
          decision: { enum: ['ALLOW', 'DENY'] },
          permit: {
            type: 'object',
            properties: { handle: { type: 'string' }, settleBy: { type: 'string', format: 'date-time' } },
            required: ['handle', 'settleBy'],
          },
          denial: object,
          _meta: object,
        },
        required: ['callId', 'decision', '_meta'],
      }),
    },
    409: { description: 'The id stands for another request, or for one whose answer is not kept any more.' },
  },
};

export const reportOperation: Operation = {
  summary: 'Says once what came of a call that the caller carried out',
  description:
    'The outcome states that it is the word of the caller. The same report again is answered alike.',
  requestBody: {
    required: true,
    content: content({
      type: 'object',
      properties: {
        handle: { type: 'string' },
        outcome: { enum: ['executed', 'failed', 'aborted', 'unknown'] },
        result: { description: 'Of what was executed: committed to byte for byte.' },
        error: { description: 'Of what failed: committed to byte for byte.' },
      },
      required: ['handle', 'outcome'],
      additionalProperties: false,
    }),
  },
  responses: {
    200: {
      description: 'Settled, signed and in the log.',
      content: content({
        type: 'object',
        properties: { callId, _meta: object },
        required: ['callId', '_meta'],
      }),
    },
    403: { description: 'Another key’s call, or another handle. Nothing was settled.' },
    409: { description: 'It was reported before.' },
    410: { description: 'The time to report it is over, and the call is settled as unknown.' },
  },
};
