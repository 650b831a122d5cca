import { verbCommand } from './verbs.ts';

const help = `Usage: countersign log tail [-f] [-n COUNT] [--json] [--home DIR]
       countersign log show CALL_ID [--action] [--witnessed] [--json] [--home DIR]
       countersign log prove CALL_ID [--outcome] [--witnessed] [--format tlog-proof|json] [--home DIR]
       countersign log consistency OLD NEW [--home DIR]
       countersign log export DIR [--witnessed] [--home DIR]
       countersign log backup FILE [--json] [--home DIR]
       countersign log restore FILE|--in-place [--json] [--home DIR]
       countersign log former [--json] [--home DIR]
       countersign log witness [--json] [--home DIR]

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
backup       copies the ledger to a new FILE while gates go on, and checks the copy
restore      ends the log with the state that FILE holds, or that is in place (a copy, a point-in-time recovery), and
             begins another one, which cites it: new name, new key. What was accepted stays accepted
former       lists the logs that ended so. tail, show, prove and export read one of them with --former ORIGIN
witness      shows the newest checkpoint to the home's witnesses, and prints who cosigned it; exit code 1 unless all did

--former ORIGIN    reads a log that has ended instead of the present one (tail, show, prove, export)
--checkpoint FILE  proves against a checkpoint that you kept instead of the newest one (show, prove): the last trusted
                   one, after a key was compromised
--witnessed  asks the home's witnesses first, and puts their cosignatures into the checkpoint that is printed

  countersign log show CALL_ID --json | countersign verify --trust trusted_root.json -
  countersign log export /srv/log && countersign audit --trust trusted_root.json /srv/log
`;

export const logCommand = verbCommand('log', help, {
  tail: async () => (await import('./log-tail.ts')).logTail,
  show: async () => (await import('./log-show.ts')).logShow,
  prove: async () => (await import('./log-prove.ts')).logProve,
  consistency: async () => (await import('./log-consistency.ts')).logConsistency,
  export: async () => (await import('./log-export.ts')).logExport,
  backup: async () => (await import('./log-backup.ts')).logBackup,
  restore: async () => (await import('./log-restore.ts')).logRestore,
  former: async () => (await import('./log-former.ts')).logFormer,
  witness: async () => (await import('./log-witness.ts')).logWitness,
});
