import { verbCommand } from './verbs.ts';

const help = `Usage: countersign grant key FILE
       countersign grant create --key FILE --agent AGENT --tool PATTERN… (--from NAME | --parent FILE) [OPTION…]
       countersign grant show [FILE] [--json]
       countersign grant trust NAME --key FILE… [--human SUBJECT --issuer ISSUER] [--tenant NAME]
       countersign grant trust NAME --remove
       countersign grant list [--json]
       each with [--home DIR]; trust with [--ledger URL]

A grant narrows for one task what policy allows an agent: it allows nothing by itself. Whoever holds one can hand on a part of it, and
never more. Give it to the agent's gate as COUNTERSIGN_GRANT, or send it as the header Countersign-Grant.

key     makes a key that signs grants, in a new file, and prints its public half: a JWK
create  signs a grant and prints it
          --from      the granter, as the gate knows them: see trust
          --parent    hand this grant on; --key is then the one that it names as its holder's
          --agent     whom it is for: spiffe://example.org/agent/planner, or planner of this home
          --tool      what may be called, as in policy: 'files/read_*'
          --when      a condition as in policy, each of which has to be true: 'args.path.startsWith("/srv/")'
          --calls     how many calls at most
          --budget    LIMIT=EXPRESSION: 'args.amount' of all calls together at most LIMIT, as in 1000=args.amount
          --expires   when it ends: 1h (unless told), 3d, or 2027-01-31T00:00:00Z; 31 days at most
          --request   what the person asks for, in their own words: policy reads it as request.text
          --holder-key  the key, or its public half, with which it may be handed on. Unless told, nobody may
          --tenant    whose agents it is for. Unless told, the home’s, or default
show    prints a chain of grants, from FILE or standard input, and whether this home would take it. It exits with 1 if not
trust   has the grants of a granter count in this home. Signed and in the log
          --key       their public key: what “grant key” prints, or PEM. Several while keys change
          --human     the person that this is, and --issuer who says so: the grants are then for nobody else's calls
          --remove    their grants count no more
list    shows who is trusted here, with the thumbprints of their keys
`;

export const grantCommand = verbCommand('grant', help, {
  key: async () => (await import('./grant-key.ts')).grantKey,
  create: async () => (await import('./grant-create.ts')).grantCreate,
  show: async () => (await import('./grant-show.ts')).grantShow,
  trust: async () => (await import('./grant-trust.ts')).grantTrust,
  list: async () => (await import('./grant-trust.ts')).grantList,
});
