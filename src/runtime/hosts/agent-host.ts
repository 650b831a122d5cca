/** How a server of a host gets the API key without its being in a file. */
export type KeyReference =
  /** As a variable of the entry's own `env`, which the host replaces. */
  | { readonly kind: 'variable'; readonly value: string }
  /** The host asks a person once, and keeps the answer. */
  | { readonly kind: 'asked'; readonly value: string; readonly input: Readonly<Record<string, unknown>> }
  /** The entry lists names of the host's own environment that its server gets. */
  | { readonly kind: 'forwarded' }
  /** Not at all. */
  | { readonly kind: 'none'; readonly instead: string };

/** An agent host whose configuration can be changed here. */
export interface AgentHost {
  /** What people call it, as in `HostFile`. */
  readonly title: string;
  readonly key: KeyReference;
}

export const keyVariable = 'COUNTERSIGN_API_KEY';
export const keyInput = 'countersign-key';

/** By the name that a command line gives it. */
export const agentHosts = {
  'claude-desktop': {
    title: 'Claude Desktop',
    key: {
      kind: 'none',
      instead:
        'Claude Desktop hands no variable of its own environment to servers, so the key has to stand in its file: say ' +
        '--key-in-file, or install the bundle instead, whose key it keeps in the system’s key chain (docs/hosts.md).',
    },
  },
  'claude-code': { title: 'Claude Code', key: { kind: 'variable', value: `\${${keyVariable}}` } },
  cursor: { title: 'Cursor', key: { kind: 'variable', value: `\${env:${keyVariable}}` } },
  vscode: {
    title: 'VS Code',
    key: {
      kind: 'asked',
      value: `\${input:${keyInput}}`,
      input: { type: 'promptString', id: keyInput, description: 'Countersign API key', password: true },
    },
  },
  codex: { title: 'Codex', key: { kind: 'forwarded' } },
  gemini: { title: 'Gemini CLI', key: { kind: 'variable', value: `$${keyVariable}` } },
} as const satisfies Readonly<Record<string, AgentHost>>;

export type HostId = keyof typeof agentHosts;

export function isHostId(text: string): text is HostId {
  return Object.hasOwn(agentHosts, text);
}
