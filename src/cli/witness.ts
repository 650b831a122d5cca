import { verbCommand } from './verbs.ts';

const help = `Usage: countersign witness init DIR --name NAME [--json]
       countersign witness key DIR
       countersign witness log add DIR VKEY… [--origin ORIGIN] [--json]
       countersign witness log list DIR [--json]
       countersign witness log remove DIR ORIGIN|VKEY [--json]
       countersign witness serve DIR [--port N] [--host ADDRESS]
       countersign witness forks DIR [--json]
       countersign witness check FILE VKEY… [--json]

A witness cosigns the checkpoints of other people's logs (https://c2sp.org/tlog-witness): each one that continues what it
cosigned before, and never two that contradict each other. It needs no home, and follows any log of that kind.

init    makes a witness in DIR: a key, and an empty state. It never overwrites, and prints the vkey that readers trust
          --name   the name of its key: a schema-less URL under which people know it, for example witness.example.org
key     prints the vkey again
log     says which logs it follows, by their vkeys (“countersign trust --vkey” prints those of a home's log). A log may have
        several keys; a removed log is remembered, so that it cannot come back with another history
          --origin the origin in the log's checkpoints, where that is not the name of its key
serve   answers POST /add-checkpoint, until SIGINT or SIGTERM; a line for each request on standard error
          --port   7390 unless told; 0 takes a free one
          --host   127.0.0.1 unless told: put a server with TLS in front, for others to reach it
forks   lists the evidence: signed checkpoints that contradict what was cosigned
          --json   prints it whole, for others
check   says what such evidence proves with the log's keys alone. Exits with 1 if a piece of it proves nothing

  countersign witness init /srv/witness --name witness.example.org
  countersign witness log add /srv/witness $(countersign trust --vkey)
  countersign witness serve /srv/witness --port 7390
`;

export const witnessCommand = verbCommand('witness', help, {
  init: async () => (await import('./witness-init.ts')).witnessInit,
  key: async () => (await import('./witness-init.ts')).witnessKey,
  log: async () => (await import('./witness-log.ts')).witnessLog,
  serve: async () => (await import('./witness-serve.ts')).witnessServe,
  forks: async () => (await import('./witness-forks.ts')).witnessForks,
  check: async () => (await import('./witness-forks.ts')).witnessCheck,
});
