import type { Command } from './io.ts';

const help = `Usage: countersign hook HOST [OPTION…]
       countersign hook install HOST [--dry-run] [--user | --project] [OPTION…]
       countersign hook uninstall HOST [--dry-run] [--user | --project]

Governs the tools of a coding agent that cannot be stood in front of: the agent starts this command before each of its tools,
and after it. Before, the call is decided, signed and logged, and the agent is told to go on or not; after, what it says came of
the call is signed as its word. Whatever fails is a no. What the person asks the agent is kept for the session, and told to the gate
with its calls. “install” writes it into the agent's configuration, and shows what it changes there.

HOST is claude-code, codex, gemini-cli, cursor, copilot-cli, vscode, windsurf or cline, and policy knows its tools as HOST/TOOL,
such as claude-code/Bash. The API key is taken from COUNTERSIGN_API_KEY in the agent's environment, the person that it works for
as “countersign wrap” does. The gate is the home's own, which is started when nobody has asked it for a while.

  --gate ADDRESS    a gate elsewhere (countersign serve): unix:PATH, https://…, or http:// on this machine
  --identity DIR    with --gate https://…: show the certificate that “countersign enroll” keeps there
  --ca FILE         with --gate https://…: believe a gate of these authorities, PEM
  --home DIR        the home (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --approve         run what is allowed without the agent's own question (claude-code, copilot-cli, vscode)
  --envelopes DIR   keep of each call a file for “countersign verify” there, CALL_ID.json
  --timeout SECONDS say no after that time (default: 30; windsurf and cline: 15)

  --dry-run         show what would change, and change nothing
  --user            the configuration of this user (default)
  --project         the one of the project in the current folder

What the options of a hook are goes into the agent's configuration with it; no secret does. A hook exits with 0 to go on, and
with 2 to stop the tool.

  countersign hook install claude-code
  countersign log tail
`;

export const hookCommand: Command = {
  help,
  endsAtOnce: true,
  // Loaded within, where what cannot be loaded is a no.
  async run(args, io) {
    const [first, ...rest] = args;
    const isInstalling = first === 'install' || first === 'uninstall';
    try {
      if (isInstalling) {
        const { installCommand } = await import('./hook-install.ts');
        return await installCommand(first, rest, io);
      }
      const { runHookCommand } = await import('./hook-run.ts');
      return await runHookCommand(args, io);
    } catch (error) {
      const { report } = await import('./report.ts');
      const code = report(error, io);
      return isInstalling ? code : 2;
    }
  },
};
