import type { JsonObject } from '../../call/json.ts';
import type { HookInput } from './hook-input.ts';

/** A coding agent that asks a command before its tools run, and tells it after: what it says, and how it wants to be answered. */
export interface HookHost {
  /** What policy calls it: the server of its tools. */
  readonly name: string;
  /** Throws FRAME_INVALID for what is not of its shape, ARGUMENTS_AMBIGUOUS for what two parsers could read differently. */
  readonly read: (input: HookInput) => HookEvent;
  /** What it reads on standard output; empty where that says it. */
  readonly says: {
    /** Goes on, and leaves to the host whether a person is asked. */
    readonly allow: string;
    /** Goes on without asking anybody; absent where a host does not take that from a hook. */
    readonly approve?: string;
    readonly deny: (told: string) => string;
    /** Goes on with what a person has asked for, and adds nothing to it; nothing unless told. */
    readonly prompted?: string;
  };
  /** The exit code of a denial: 0 where the host would take another one for a hook that is broken, and go on. */
  readonly denyCode: 0 | 2;
  /** Seconds after which the host gives up on the hook, and most go on: written into its configuration, where that can say it. */
  readonly hostTimeout: number;
  /** Seconds after which the hook itself says no. */
  readonly timeout: number;
}

export type HookEvent =
  | { readonly kind: 'before'; readonly call: HookCall }
  | { readonly kind: 'after'; readonly call: HookCall; readonly ended: HookEnded }
  | { readonly kind: 'end'; readonly session: string }
  /** A person has asked for something. Without a text it is not known what: then nothing is, of that session. */
  | { readonly kind: 'prompt'; readonly session: string; readonly prompt?: string }
  /** Nothing of a tool. `guards`: by its name it comes before something that would go on without an answer. */
  | { readonly kind: 'other'; readonly guards: boolean };

/** A call of one of the host's tools. */
export interface HookCall {
  readonly session: string;
  /** The host's own id of the call; absent where it has none, so that only its tool and arguments tell it from others. */
  readonly id?: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** What else the host said of it. */
  readonly context: JsonObject;
}

/** What the host says came of it; `bytes` are JSON text as the host sent it. */
export type HookEnded =
  | { readonly outcome: 'executed'; readonly bytes?: Uint8Array }
  | { readonly outcome: 'failed'; readonly bytes?: Uint8Array }
  | { readonly outcome: 'unknown' };

/** What a hook's process says, and ends with. */
export interface HookAnswer {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param approve Whether what is allowed runs without the host's own question.
 */
export function allowed({ says }: HookHost, approve: boolean): HookAnswer {
  return { exitCode: 0, stdout: (approve ? says.approve : undefined) ?? says.allow, stderr: '' };
}

/**
 * Both ways at once, where a host has two: what a shell's profile prints in front of our JSON would make it unreadable, and a host
 * that reads no decision goes on.
 */
export function denied({ says, denyCode }: HookHost, told: string): HookAnswer {
  return { exitCode: denyCode, stdout: says.deny(told), stderr: `${told}\n` };
}

/** The host goes on with a prompt unchanged: it is noted, and never held up. */
export function noted({ says }: HookHost): HookAnswer {
  return { exitCode: 0, stdout: says.prompted ?? '', stderr: '' };
}

/** Nothing to say, or only to the person: what has run cannot be held up any more. */
export function passed(trouble?: string): HookAnswer {
  return trouble === undefined
    ? { exitCode: 0, stdout: '', stderr: '' }
    : { exitCode: 1, stdout: '', stderr: `countersign: ${trouble}\n` };
}

/** An event that nothing is to be done about. */
export const ignored: HookEvent = { kind: 'other', guards: false };

/** What a host tells of a prompt. Nothing is known of one without a session, and one that is no text is not known. */
export function promptOf(session: string | undefined, prompt: unknown): HookEvent {
  if (session === undefined) return ignored;
  return { kind: 'prompt', session, ...(typeof prompt === 'string' && { prompt }) };
}

/** Whether an event that is not known here comes, by its name, before something that would go on. */
export function soundsLikeGuard(name: string): boolean {
  return /^(?:pre|before|permission)/i.test(name);
}
