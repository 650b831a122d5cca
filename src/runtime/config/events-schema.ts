import { z } from 'zod';
import { text, texts, tokenIssuer } from './token-issuer-schema.ts';

const { keys, algorithms } = tokenIssuer;

/** `identity.events`: who may tell that a session, an account or a device is no longer what it was. */
export const eventTransmitter = z.strictObject({
  issuer: text.describe('The claim iss of its security events, character by character.'),
  keys,
  audience: texts.optional().describe('The claim aud has one of these; identity.audience unless told.'),
  algorithms,
  subjects: z
    .array(text)
    .min(1)
    .optional()
    .describe('Issuers whose people and sessions it may speak of: itself unless told.'),
  devices: z.boolean().default(false).describe('Whether it may speak of devices.'),
  authorization: text
    .optional()
    .describe('The whole header Authorization that it sends, where it does. ${env:NAME} keeps it out.'),
});

export type EventTransmitterConfig = z.output<typeof eventTransmitter>;
