import { constants } from 'node:os';

/** Where signals come from: the process. */
export type Signals = Pick<NodeJS.EventEmitter, 'on' | 'off'>;

export interface Interrupts {
  /** Aborted by the first signal that comes before the command runs. */
  readonly signal: AbortSignal;
  /** 128 + n, where signal n came before the command ran. */
  readonly exitCode: number | undefined;
  /** From now on signals go to the command. */
  forward(send: (name: NodeJS.Signals) => void): void;
  end(): void;
}

const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * What asks countersign to end asks the command to: countersign itself stays until it has said what came of it. Before there is a
 * command, nothing is begun any more.
 */
export function takeInterrupts(signals: Signals): Interrupts {
  const before = new AbortController();
  let send: ((name: NodeJS.Signals) => void) | undefined;
  let exitCode: number | undefined;
  const handlers = ending.map((name) => {
    const handle = (): void => {
      if (send) {
        send(name);
        return;
      }
      exitCode ??= 128 + constants.signals[name];
      before.abort();
    };
    signals.on(name, handle);
    return [name, handle] as const;
  });
  return {
    signal: before.signal,
    get exitCode() {
      return exitCode;
    },
    forward(to) {
      send = to;
    },
    end() {
      for (const [name, handle] of handlers) signals.off(name, handle);
    },
  };
}
