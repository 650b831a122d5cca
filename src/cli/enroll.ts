import type { Command } from './io.ts';
import type { Verbs } from './verbs.ts';

const help = `Usage: countersign enroll token --agent NAME [--expires 10m] [--json] [--home DIR] [--ledger URL]
       countersign enroll authority [--json] [--home DIR] [--ledger URL]
       countersign enroll --gate ADDRESS --out DIR [--token-file FILE | --workload-token-file FILE] [--keep] [--ca FILE] [--json]
       countersign enroll --gate ADDRESS --out DIR --renew [--ca FILE] [--json]

Gives an agent a certificate of its own, which lives an hour, and with which it proves at every call who it is.

On the gate's machine, as the gate's user:

token        makes a join token, with which one workload becomes that agent, once. It is shown once
               --agent     the agent's name, as its API key says it, or its whole SPIFFE ID
               --expires   until when it can be used: 10m (the default), 12h, at most 7d
authority    makes what certifies agents, where tokens of another issuer are used and no join tokens; shows its certificate

On the workload's machine. The private key is made there and stays there:

  --gate ADDRESS              https://…, or on this machine http://… or unix:PATH
  --out DIR                   where the identity is kept: identity.pem (private key and certificate, replaced in one step) and
                              authority.pem
  --token-file FILE           the join token; else it is taken from COUNTERSIGN_JOIN_TOKEN
  --workload-token-file FILE  a token of the workload's own, of an issuer that the gate's configuration names
  --renew                     renews once, by the certificate that is still valid
  --keep                      stays, and renews after two thirds of each certificate's life. An identity in DIR that is still valid
                              is kept, and no token used
  --ca FILE                   believe a gate of these authorities, PEM; those that Node knows unless told

  countersign enroll token --agent planner
  countersign enroll --gate https://gate.example --out /var/lib/planner --token-file token --keep
  countersign wrap --gate https://gate.example --identity /var/lib/planner
`;

const verbs: Verbs = {
  token: async () => (await import('./enroll-token.ts')).enrollToken,
  authority: async () => (await import('./enroll-token.ts')).enrollAuthority,
};

export const enrollCommand: Command = {
  help,
  async run(args, io) {
    const [first = ''] = args;
    const load = Object.hasOwn(verbs, first) ? verbs[first] : undefined;
    if (load !== undefined) return (await load())(args.slice(1), io);
    const { enrollHere } = await import('./enroll-here.ts');
    return enrollHere(args, io);
  },
};
