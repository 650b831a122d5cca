// Packs the built command and examples/mcpb/manifest.json into a bundle that MCP hosts install: node scripts/mcpb.mjs [FILE].
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packExtension } from '@anthropic-ai/mcpb/cli';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = resolve(process.argv[2] ?? 'countersign.mcpb');

/** What is in it, by where it is here. The command reads its version from the package's manifest. */
const contents = {
  'examples/mcpb/manifest.json': 'manifest.json',
  'dist/bin': 'dist/bin',
  'package.json': 'package.json',
  LICENSE: 'LICENSE',
};

const stage = mkdtempSync(join(tmpdir(), 'countersign-mcpb-'));
try {
  for (const [from, to] of Object.entries(contents))
    cpSync(join(root, from), join(stage, to), { recursive: true, filter: (path) => !path.endsWith('.map') });
  const isPacked = await packExtension({ extensionPath: stage, outputPath: output, silent: true });
  if (!isPacked)
    throw new Error(
      'The manifest is none that the packer takes: npx mcpb validate examples/mcpb/manifest.json',
    );
  process.stdout.write(`${output}\n`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}
