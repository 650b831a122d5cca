import { toCountersignError } from '../../errors.ts';
import type { ReasonCode } from '../../names.ts';
import type { Generation } from './serve-generation.ts';
import type { ServeSettings } from './serve-settings.ts';
import { watchFiles } from './watch.ts';

export interface GenerationsOptions {
  /** Reads the files as they are now; throws where they cannot be taken. */
  readonly read: () => ServeSettings;
  readonly begin: (settings: ServeSettings) => Promise<Generation>;
  /** Told of each that is in force after the first. */
  readonly onTaken: (settings: ServeSettings) => void;
  readonly stderr: { write(text: string): unknown };
}

/** One configuration after another, each whole or not at all. */
export interface Generations {
  readonly fetch: Generation['fetch'];
  /** Resolves once no call is open whose outcome a caller has to report. */
  readonly reported: () => Promise<void>;
  /** Why the files that there are now could not be taken; undefined when they are in force. */
  readonly refused: () => ReasonCode | undefined;
  /** Takes the files as they are now, after what is being taken. What runs ends under the former ones. */
  readonly takeAgain: () => void;
  /** Does so by itself from now on, whenever another content of the files rests. */
  readonly watch: () => void;
  /** Takes nothing more. */
  readonly stop: () => Promise<void>;
  /** Retires the one in force, and resolves once none is left. */
  readonly end: () => Promise<void>;
}

export async function createGenerations(
  first: ServeSettings,
  { read, begin, onTaken, stderr }: GenerationsOptions,
): Promise<Generations> {
  let inForce = first;
  let current = await begin(first);
  let refused: ReasonCode | undefined;
  let taking: Promise<void> = Promise.resolve();
  let files: ReturnType<typeof watchFiles> | undefined;
  const retiring = new Set<Promise<void>>();

  const tell = (error: unknown, otherwise: string): ReasonCode => {
    const { code, message } = toCountersignError(error, 'INTERNAL', otherwise);
    stderr.write(`countersign: ${code}: ${message}\n`);
    return code;
  };
  // Not waited for: a call that runs for long would keep the configuration after the next one waiting.
  const retire = (generation: Generation): void => {
    const retired = generation
      .retire()
      .catch((error: unknown) => void tell(error, 'The former configuration did not end cleanly.'))
      .finally(() => retiring.delete(retired));
    retiring.add(retired);
  };
  const take = async (onlyIfOther: boolean): Promise<void> => {
    try {
      const next = read();
      if (!onlyIfOther || !isSame(next, inForce)) {
        const begun = await begin(next);
        retire(current);
        current = begun;
        inForce = next;
        onTaken(next);
        stderr.write('countersign: the new configuration is in force\n');
        files?.follow(next.files);
      }
      refused = undefined;
    } catch (error) {
      refused = tell(error, 'The configuration could not be taken.');
      stderr.write('countersign: the old configuration stays in force\n');
    }
  };
  const takeNext = (onlyIfOther: boolean): void => void (taking = taking.then(() => take(onlyIfOther)));

  return {
    fetch: (request, bindings) => current.fetch(request, bindings),
    async reported() {
      await Promise.all([current.reported(), ...retiring]);
    },
    refused: () => refused,
    takeAgain: () => takeNext(false),
    watch() {
      files = watchFiles({ files: inForce.files, onChange: () => takeNext(true) });
    },
    stop() {
      files?.close();
      return taking;
    },
    async end() {
      await Promise.all([current.retire(), ...retiring]);
    },
  };
}

/** Whether both come from the same files: an editor that saves what was there has changed nothing. */
function isSame(one: ServeSettings, other: ServeSettings): boolean {
  return (
    one.digest === other.digest &&
    one.policy.digest === other.policy.digest &&
    one.tls?.digest === other.tls?.digest &&
    one.authorities === other.authorities
  );
}
