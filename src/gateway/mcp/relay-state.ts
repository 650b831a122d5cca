import type { ServerRef } from '../../call/call.ts';
import type { JsonObject } from '../../call/json.ts';
import type { Gate } from '../../gate/gate.ts';
import type { Credentials } from '../../identity/principal.ts';
import type { McpTarget } from '../../targets/mcp-target.ts';
import type { DeniedAnswer } from './answers.ts';
import { createConfirmSeals, type ConfirmSeals } from './confirm-seal.ts';
import { createInFlightTable, type InFlightTable } from './in-flight.ts';
import type { McpListing } from './listing.ts';
import type { Notification, Request } from './message.ts';
import type { RelayPattern } from './methods.ts';
import { createOwnRequests, type OwnRequests } from './own-requests.ts';
import { createTasks, type Tasks } from './tasks.ts';

export interface RelayOptions {
  readonly gate: Gate;
  /** What the client's next call brings: of a relay that lives long, some of it is renewed. Never rejects. */
  readonly credentials: () => Credentials | Promise<Credentials>;
  readonly target: McpTarget;
  readonly server: ServerRef;
  readonly listing: McpListing;
  /** What `--relay` opened. */
  readonly opened: readonly RelayPattern[];
  /** Requests of the client that may wait for their answers at once; one more is refused. */
  readonly maxInFlight: number;
  /** Sends a message to the client, with the line end that it came with. */
  readonly toClient: (message: Uint8Array, terminator: Uint8Array) => void;
  /** Where the server's own requests and notifications go, if not the same way. */
  readonly onServerMessage?: (message: Request | Notification, bytes: Uint8Array) => void;
  /** Where answers to the client's own requests go, if not the same way. A batch has one answer. */
  readonly asker?: Asker;
  /** Whether every batch is taken apart: where each message travels alone. */
  readonly splitsBatches?: boolean;
  /** Whether something beside the frames repeats arguments of calls, so that policy cannot change them here. */
  readonly fixesArguments?: boolean;
  /** Tells the operator one sentence. It never holds bytes of a message. */
  readonly warn: (sentence: string) => void;
}

/** Who asked, and gets what the client's request comes to: one answer, or none. */
export interface Asker {
  answer(message: Uint8Array, denied?: DeniedAnswer): void;
  none(): void;
}

/** What everything that belongs to one conversation shares, whichever way its frames come. */
export interface Conversation {
  readonly inFlight: InFlightTable;
  readonly tasks: Tasks;
  /** What we ask the client ourselves: no server hears of it, or of the answer. */
  readonly asked: OwnRequests;
  /** What we asked modern clients, and they carry. */
  readonly seals: ConfirmSeals;
  /** Calls that the gate has not finished with, and what follows them. */
  readonly running: Set<Promise<void>>;
  readonly known: {
    /** What the client said of itself in a legacy handshake. */
    clientInfo?: JsonObject;
    /** Whether it said there that it can ask its person by a form. */
    canBeAsked?: boolean;
    /** The server's end: nothing reaches it any more. */
    isServerGone: boolean;
  };
}

export function createConversation(
  gate: Pick<Gate, 'settleLater'>,
  tasks = createTasks(gate),
  seals = createConfirmSeals(),
): Conversation {
  return {
    inFlight: createInFlightTable(),
    tasks,
    asked: createOwnRequests(),
    seals,
    running: new Set(),
    known: { isServerGone: false },
  };
}

/** What both directions see. */
export interface RelayState extends RelayOptions, Conversation {}
