import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { readConfig } from '../../../src/runtime/config/read.ts';
import { configJsonSchema } from '../../../src/runtime/config/schema.ts';

const whole = `version: 1
listen: { host: 127.0.0.1, port: 0 }
hosts: ["gate.example.com"]
policies: [policy.yaml]
actions:
  set-pressure:
    description: Sets the pressure of the line.
    parameters: { type: object, properties: { value: { type: number } } }
    request:
      url: https://plc.example.com/pressure
      headers: { authorization: "Bearer \${env:PLC_TOKEN}" }
      timeout: 500ms
`;

function read(text: string, env: Record<string, string> = { PLC_TOKEN: 'sesame' }) {
  return readConfig({ name: 'countersign.yaml', text, env });
}

function refusal(text: string, env?: Record<string, string>): string {
  try {
    read(text, env);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('it was read');
}

describe('a configuration', () => {
  it('is read with every default filled in, and durations in milliseconds', () => {
    const config = read(whole);
    expect(config.listen.tcp?.port).toBe(0);
    expect(config.limits.body).toBe(1 << 20);
    expect(config.actions['set-pressure']?.request).toEqual({
      method: 'POST',
      url: 'https://plc.example.com/pressure',
      headers: { authorization: 'Bearer sesame' },
      timeout: 500,
    });
    expect(read('version: 1\n')).toMatchObject({
      listen: { tcp: { host: '127.0.0.1', port: 8787 } },
      actions: {},
    });
  });

  it.each([
    [
      'a field that nobody knows',
      whole.replace('timeout:', 'timeuot:'),
      '12:7: actions.set-pressure.request: unknown field "timeuot"',
    ],
    [
      'two servers whose tools could have one name at /mcp',
      'version: 1\nservers:\n  a: { command: x }\n  a__b: { command: y }\n',
      '4:3: servers.a__b: ',
    ],
    [
      'a server whose name ends as the separator begins',
      'version: 1\nservers:\n  a_: { command: x }\n  a: { command: y }\n',
      '3:3: servers.a_: ',
    ],
    ['a wrong type', whole.replace('port: 0', 'port: "x"'), '2:28: listen.port: '],
    [
      'a missing field',
      whole.replace('      url: https://plc.example.com/pressure\n', ''),
      '9:5: actions.set-pressure.request.url: ',
    ],
    [
      'another scheme',
      whole.replace('https://plc', 'file://plc'),
      '10:7: actions.set-pressure.request.url: must be an http',
    ],
    ['another version', 'version: 2\n', '1:1: version: '],
    ['a key that stands twice', 'version: 1\nversion: 1\n', '2:1: it is not valid YAML'],
    ['an anchor', 'version: &a 1\n', '1:'],
    ['two documents', 'version: 1\n---\nversion: 1\n', '2:1: '],
    ['nothing', '', '1:1: '],
    [
      'a reference to nothing',
      whole.replace('env:PLC_TOKEN', 'PLC_TOKEN'),
      '11:33: ${PLC_TOKEN} is no reference',
    ],
  ])('is refused with line, column and field: %s', (_, text, where) => {
    expect(refusal(text)).toContain(`countersign.yaml:${where}`);
  });

  it('is refused when the environment lacks a variable, and never tells the value of one', () => {
    expect(refusal(whole, {})).toContain('11:33: the environment has no PLC_TOKEN');
    expect(refusal(whole.replace('port: 0', 'port: "${env:PLC_TOKEN}"'))).not.toContain('sesame');
  });

  it('tells everything that is wrong at once', () => {
    expect(refusal(whole.replace('port: 0', 'prot: 0').replace('500ms', 'soon')).split('\n')).toHaveLength(2);
  });

  it('is read or refused whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((text) => `version: 1\nactions: ${text}`),
        ),
        (text) => {
          try {
            read(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('has a schema for editors', () => {
    expect(configJsonSchema()).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['version'],
      properties: { actions: { type: 'object' } },
    });
  });
});
