import type { JsonObject } from '../../call/json.ts';
import type { Operation } from './describe-route.ts';

const text = { type: 'string' };
const anObject = { type: 'object' };

function file(summary: string, type: string): Operation {
  return {
    summary,
    responses: { 200: { description: 'The same for everybody.', content: { [type]: { schema: text } } } },
  };
}

/** What a page asks: only the one at `approvals.origin` is heard. */
function asked(
  summary: string,
  properties: JsonObject,
  required: readonly string[] = Object.keys(properties),
): Operation {
  const schema = { type: 'object', properties, required: [...required], additionalProperties: false };
  return {
    summary,
    requestBody: { required: true, content: { 'application/json': { schema } } },
    responses: {
      200: {
        description: 'For the page’s own script.',
        content: { 'application/json': { schema: anObject } },
      },
      403: { description: 'Another page asks, or the passkey does not count.' },
    },
  };
}

const credential = {
  type: 'object',
  description: 'What the browser’s `PublicKeyCredential.toJSON()` gives.',
};

export const page = file('The page on which people approve calls with a passkey', 'text/html');
export const enrolPage = file('The page on which somebody who was invited registers a passkey', 'text/html');
export const script = file('Its script', 'text/javascript');
export const style = file('Its style', 'text/css');

export const seeOptions = asked('What the browser is asked before anything is shown', {});
export const see = asked('The calls that wait for whoever has this passkey', { credential, id: text }, [
  'credential',
]);
export const answer = asked('Approves a call that was shown, or refuses it', {
  id: text,
  answer: { enum: ['approve', 'deny'] },
  credential,
});
export const enrolOptions = asked('Whom a link invites, and what their browser is asked', { token: text });
export const enrol = asked('Registers a passkey', { token: text, credential });
