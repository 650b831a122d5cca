import { z } from 'zod';

const localhost = /^http:\/\/localhost(?::[0-9]+)?$/;

/** Passkeys are for a domain, and browsers have them on https alone, or on this machine. */
const origin = z
  .string()
  .refine(
    (text) => URL.canParse(text) && new URL(text).origin === text,
    'must be an origin such as https://gate.example.org: scheme and host, in small letters, and nothing after it',
  )
  .refine((text) => text.startsWith('https://') || localhost.test(text), 'must be https, or http://localhost')
  .refine(
    (text) => !/^(?:\[|[0-9.]+$)/.test(URL.canParse(text) ? new URL(text).hostname : ''),
    'must be a name: passkeys are for no address',
  );

/** `approvals`: the page on which people approve calls with a passkey. */
export const approvalsSchema = z.strictObject({
  origin: origin.describe(
    'Where browsers find this gateway. Its passkeys are for the host in it, and for no other.',
  ),
});

const loopback = ['127.0.0.1', '::1', 'localhost'];

interface Listening {
  readonly approvals?: z.output<typeof approvalsSchema> | undefined;
  readonly listen: { readonly tcp?: { readonly host: string } | undefined };
}

/** What is signed at http://localhost of another machine would be signed over plain HTTP. */
export function requireLocalPage({ approvals, listen }: Listening, context: z.RefinementCtx): void {
  const isPlain = approvals?.origin.startsWith('http:') === true;
  if (!isPlain || listen.tcp === undefined || loopback.includes(listen.tcp.host)) return;
  const message = 'is http://localhost: listen.host has to be a loopback address then';
  context.addIssue({ code: 'custom', path: ['approvals', 'origin'], message });
}
