import type { JsonObject } from '../../call/json.ts';
import type { Operation } from './describe-route.ts';

const text = { type: 'string' };
const time = { type: 'string', format: 'date-time' };
const content = (schema: JsonObject): JsonObject => ({ 'application/json': { schema } });
const object = (properties: JsonObject, required: readonly string[]): JsonObject => ({
  type: 'object',
  properties,
  required: [...required],
});

const answered = object(
  {
    by: { description: '`operator`, or the person: issuer and subject.' },
    as: text,
    method: { enum: ['terminal', 'token', 'passkey'] },
    at: time,
    statement: { type: 'object' },
  },
  ['by', 'method', 'at', 'statement'],
);

const members: JsonObject = {
  id: text,
  state: { enum: ['pending', 'approved', 'refused', 'expired'] },
  callId: { ...text, format: 'uuid', description: 'The call that was denied because it was not approved.' },
  tenant: text,
  tool: object({ server: text, name: text }, ['server', 'name']),
  agent: object({ id: text, issuer: text }, ['id', 'issuer']),
  human: object({ issuer: text, subject: text }, ['issuer', 'subject']),
  rule: text,
  policy: text,
  from: { type: 'array', items: text },
  count: { type: 'integer' },
  by: { enum: ['any', 'passkey'] },
  requestedAt: time,
  expiresAt: time,
  request: object({ sha256: text, covers: { enum: ['arguments', 'params'] } }, ['sha256', 'covers']),
  grants: { type: 'array', items: answered },
  refusal: answered,
};
const always = Object.keys(members).filter((name) => name !== 'human' && name !== 'refusal');

const missing = { description: 'There is none with this id that you may answer.' };
const noPerson = { description: 'Whoever asks is no person, or not one who may approve this.' };

export const listOperation: Operation = {
  summary: 'The calls that wait for your approval',
  description: 'Needs a person’s token. Calls that somebody else has to approve are not in it.',
  responses: {
    200: {
      description: 'Without their arguments.',
      content: content(
        object({ approvals: { type: 'array', items: object(members, always) } }, ['approvals']),
      ),
    },
    403: noPerson,
  },
};

export const showOperation: Operation = {
  summary: 'One of them, with what would run',
  responses: {
    200: {
      description: '`content` is null where the plaintext is not kept.',
      content: content(
        object(
          {
            ...members,
            content: {
              type: ['object', 'null'],
              properties: { arguments: { type: 'object' }, params: { type: 'object' } },
            },
            findings: {
              type: 'array',
              description: 'What in it prints nothing, or as something else.',
              items: object({ at: text, message: text, excerpt: text }, ['at', 'message', 'excerpt']),
            },
          },
          [...always, 'content', 'findings'],
        ),
      ),
    },
    403: noPerson,
    404: missing,
  },
};

export const answerOperation: Operation = {
  summary: 'Approves a call, or denies it',
  description:
    'Signed and in the log before it is answered. A deny ends the request. The same answer again changes nothing.',
  requestBody: {
    required: true,
    content: content({
      type: 'object',
      properties: { answer: { enum: ['approve', 'deny'] } },
      required: ['answer'],
      additionalProperties: false,
    }),
  },
  responses: {
    200: {
      description: '`new` is false when as much was said before.',
      content: content(object({ ...members, new: { type: 'boolean' } }, [...always, 'new'])),
    },
    403: noPerson,
    404: missing,
  },
};
