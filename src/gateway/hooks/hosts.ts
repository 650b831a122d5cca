import { claudeCode } from './claude-code.ts';
import { cline } from './cline.ts';
import { codex } from './codex.ts';
import { copilotCli } from './copilot-cli.ts';
import { cursor } from './cursor.ts';
import { geminiCli } from './gemini-cli.ts';
import type { HookHost } from './hook-host.ts';
import { vscode } from './vscode.ts';
import { windsurf } from './windsurf.ts';

/** Every host that is known, by its name. */
export const hookHosts: ReadonlyMap<string, HookHost> = new Map(
  [claudeCode, codex, geminiCli, cursor, copilotCli, vscode, windsurf, cline].map((host) => [
    host.name,
    host,
  ]),
);
