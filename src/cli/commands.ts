import type { Command } from './io.ts';

export interface Listed {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Each command loads on its own, so that none pays for the others at start; listing them loads none. */
export const commands: Readonly<Record<string, Listed>> = {
  init: {
    summary: 'make a home: keys, certificates, log, starter policy, one API key',
    load: async () => (await import('./init.ts')).initCommand,
  },
  wrap: {
    summary: 'govern an MCP server: put this where its command was',
    load: async () => (await import('./wrap.ts')).wrapCommand,
  },
  exec: {
    summary: 'run one command if policy allows it, and sign what came of it',
    load: async () => (await import('./exec.ts')).execCommand,
  },
  install: {
    summary: 'put servers that a host has already behind a gate',
    load: async () => (await import('./install.ts')).installCommand,
  },
  uninstall: {
    summary: 'give a host the commands of its servers back',
    load: async () => (await import('./uninstall.ts')).uninstallCommand,
  },
  hook: {
    summary: 'govern the tools of a coding agent: decide before each, record after',
    load: async () => (await import('./hook.ts')).hookCommand,
  },
  login: {
    summary: 'log a person in, so that wrapped servers act for them',
    load: async () => (await import('./login.ts')).loginCommand,
  },
  logout: {
    summary: 'end a login, here and at its issuer',
    load: async () => (await import('./logout.ts')).logoutCommand,
  },
  approve: {
    summary: 'answer calls that a rule lets run only once somebody has approved them',
    load: async () => (await import('./approve.ts')).approveCommand,
  },
  approver: {
    summary: 'say who approves calls with a passkey, and end that',
    load: async () => (await import('./approver.ts')).approverCommand,
  },
  tools: {
    summary: 'list, compare and accept the tools of a wrapped server',
    load: async () => (await import('./tools.ts')).toolsCommand,
  },
  serve: {
    summary: 'serve the gateway over HTTP: actions, and the public half of the log',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  policy: {
    summary: 'check and test a policy, explain a decision, try a change on what was recorded',
    load: async () => (await import('./policy.ts')).policyCommand,
  },
  config: {
    summary: 'check a configuration, or print its schema for editors',
    load: async () => (await import('./config.ts')).configCommand,
  },
  doctor: {
    summary: 'find servers that are not wrapped, and files that others can reach',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  verify: {
    summary: 'check envelopes, tool results, JSON lines: offline, by a trust root alone',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  trust: {
    summary: 'print trusted_root.json: what a verifier needs, and all it needs',
    load: async () => (await import('./trust.ts')).trustCommand,
  },
  key: {
    summary: 'make, list, rotate and revoke API keys',
    load: async () => (await import('./key.ts')).keyCommand,
  },
  grant: {
    summary: 'narrow for a task what an agent may, and say whose grants count',
    load: async () => (await import('./grant.ts')).grantCommand,
  },
  revoke: {
    summary: 'stop a key, agent, human, session, device, tool, or everything',
    load: async () => (await import('./revoke.ts')).revokeCommand,
  },
  enroll: {
    summary: 'give an agent a certificate of its own, and keep it renewed',
    load: async () => (await import('./enroll.ts')).enrollCommand,
  },
  keys: {
    summary: 'list, rotate and encrypt the keys that sign; declare one compromised',
    load: async () => (await import('./keys.ts')).keysCommand,
  },
  log: {
    summary: 'read the log: tail it, show or prove a call, export it for others',
    load: async () => (await import('./log.ts')).logCommand,
  },
  witness: {
    summary: 'cosign the checkpoints of other people’s logs, and keep the proof when one forks',
    load: async () => (await import('./witness.ts')).witnessCommand,
  },
  worker: {
    summary: 'hand a new home to a Cloudflare Worker',
    load: async () => (await import('./worker.ts')).workerCommand,
  },
  audit: {
    summary: 'replay an exported log: tree, signatures, sessions, calls, time',
    load: async () => (await import('./audit.ts')).auditCommand,
  },
  disclose: {
    summary: 'open single fields of a call for somebody, and nothing else',
    load: async () => (await import('./disclose.ts')).discloseCommand,
  },
  erase: {
    summary: 'remove plaintext and salts of calls; the log stays whole',
    load: async () => (await import('./erase.ts')).eraseCommand,
  },
};
