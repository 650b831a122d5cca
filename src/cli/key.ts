import { verbCommand } from './verbs.ts';

const help = `Usage: countersign key create [--agent NAME]… [--tool PATTERN]… [--network CIDR]… [--expires TIME] [--tenant NAME]
       countersign key list
       countersign key rotate ID [--overlap 24h] [--expires TIME]
       countersign key revoke ID
       each with [--home DIR] [--ledger URL] [--json]

API keys: what an agent shows to the gate. (The keys that sign, of authorities and log, are another command: countersign keys)

create  makes a key and prints it, this once: the key alone on standard output, the rest beside it
          --agent     whom it is for: planner, or spiffe://example.org/agent/planner of another trust domain. Several may share
                      a key, and then each call proves which one it is. Unless told: default
          --tool      what it is for, as in policy: 'files/read_*'. Unless told, policy alone limits it
          --network   from where it counts: 10.20.0.0/16. Unless told, from everywhere
          --expires   when it ends: 90d, 12h, or 2027-01-31T00:00:00Z. Unless told, when it is revoked
          --tenant    whose it is. Unless told, the home’s
list    shows every key that was made, and never the key itself. ending: it was rotated, and still counts
rotate  makes a key with the same scope, which lives as long as the old one was made to; the old one ends with the overlap
          --overlap   how long both count: 0m, 90m, 24h (the default), 3d
revoke  takes a key back. Every gate of this home refuses its next call

Each change is signed and in the log. With --json there is one document on standard output.
`;

export const keyCommand = verbCommand('key', help, {
  create: async () => (await import('./key-create.ts')).keyCreate,
  list: async () => (await import('./key-list.ts')).keyList,
  rotate: async () => (await import('./key-rotate.ts')).keyRotate,
  revoke: async () => (await import('./key-revoke.ts')).keyRevoke,
});
