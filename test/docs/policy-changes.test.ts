import { describe, expect, it } from 'vitest';
import { explanationText } from '../../src/cli/policy-explain-text.ts';
import { policySimulateCommand } from '../../src/cli/policy-simulate.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { explainInput } from '../../src/runtime/policy/explain-call.ts';
import { blocks, page } from './pages.ts';

const text = page('docs/policy-changes.md');

describe('docs/policy-changes.md', () => {
  it('shows what explain says of the pack of docs/policy.md', () => {
    const [pack = ''] = blocks(page('docs/policy.md'), 'yaml');
    const written = JSON.stringify({
      tool: { server: 'plc', name: 'set_pressure' },
      human: { roles: ['ot.operator'] },
      network: { zone: 'ot-control' },
      args: { value: 140 },
    });
    const explanation = explainInput('call.json', written, [{ name: 'policy.yaml', text: pack }]);
    const said = explanationText(explanation, { stdout: { write: () => undefined }, env: {} } as never);
    expect(said).toBe(blocks(text, 'text')[0]);
  });

  it('shows a pack that loads, in shadow', () => {
    const [pack = ''] = blocks(text, 'yaml');
    expect(compilePolicy([{ name: 'suggested.yaml', text: pack }]).id).toBe('suggested');
  });

  it('says of the exit code what the command’s help says', () => {
    expect(policySimulateCommand.help).toContain('Exit code: 0 nothing would change');
    expect(text).toContain('The exit code is 0 when nothing would change');
  });
});
