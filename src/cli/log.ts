import type { Command, Io } from './io.ts';
import { usage } from './report.ts';

const help = `Usage: countersign log tail [-f] [-n COUNT] [--json] [--home DIR]
       countersign log show CALL_ID [--action] [--json] [--home DIR]
       countersign log prove CALL_ID [--outcome] [--format tlog-proof|json] [--home DIR]
       countersign log consistency OLD NEW [--home DIR]
       countersign log export DIR [--home DIR]

tail         prints the newest entries of the log (10, or COUNT), one a line; -f waits for more
show         prints the envelopes of one call: its verdict, and its outcome once there is one
               --action   prints the call's action document instead: the artifact that cosign wants beside the envelope
               --json     prints {"callId", "verdict", "outcome"} on one line
prove        prints the proof that a call's verdict is in the log, for tools that know only the log
               --outcome  proves the outcome instead
               --format   tlog-proof (https://c2sp.org/tlog-proof, the default) or json
consistency  prints the proof that the tree NEW begins with the tree OLD; each is a checkpoint file or a size
export       writes the log to DIR as a static tree (https://c2sp.org/tlog-tiles), with what an audit needs.
             The next export into the same DIR adds what is new

  countersign log show CALL_ID --json | countersign verify --trust trusted_root.json -
  countersign log export /srv/log && countersign audit --trust trusted_root.json /srv/log
`;

type Verb = (args: readonly string[], io: Io) => Promise<number>;

/** Each loads on its own, as the commands do. */
const verbs: Readonly<Record<string, () => Promise<Verb>>> = {
  tail: async () => (await import('./log-tail.ts')).logTail,
  show: async () => (await import('./log-show.ts')).logShow,
  prove: async () => (await import('./log-prove.ts')).logProve,
  consistency: async () => (await import('./log-consistency.ts')).logConsistency,
  export: async () => (await import('./log-export.ts')).logExport,
};

export const logCommand: Command = {
  name: 'log',
  summary: 'read the log: tail it, show or prove a call, export it for others',
  help,
  async run(args, io) {
    // Options may stand before the verb: the first word that is one counts.
    const at = args.findIndex((arg) => Object.hasOwn(verbs, arg));
    const load = verbs[args[at] ?? ''];
    if (load === undefined) {
      throw usage(`Say one of: log ${Object.keys(verbs).join(', ')}. Try: countersign help log`);
    }
    const verb = await load();
    return verb(args.toSpliced(at, 1), io);
  },
};
