import type { Command, Io } from './io.ts';
import { usage } from './report.ts';

export type Verb = (args: readonly string[], io: Io) => Promise<number>;

/** Each loads on its own, as the commands do. */
export type Verbs = Readonly<Record<string, () => Promise<Verb>>>;

/** A command whose next word says what it does. Options may stand before that word. */
export function verbCommand(name: string, help: string, verbs: Verbs): Command {
  return {
    help,
    async run(args, io) {
      const at = placeOf(args, verbs);
      const load = verbs[args[at] ?? ''];
      if (load === undefined)
        throw usage(`Say one of: ${name} ${Object.keys(verbs).join(', ')}. Try: countersign help ${name}`);
      const verb = await load();
      return verb(args.toSpliced(at, 1), io);
    },
  };
}

/** -1 for none. Behind a word that is no verb none is looked for: of `key creat list` nothing is meant. */
function placeOf(args: readonly string[], verbs: Verbs): number {
  const isVerb = (arg: string): boolean => Object.hasOwn(verbs, arg);
  const [first = ''] = args;
  return first.startsWith('-') || isVerb(first) ? args.findIndex(isVerb) : -1;
}
