import { CallToolResultSchema, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/bytes.ts';
import { CountersignError } from '../../../src/errors.ts';
import type { CallEnvelopes, Denial } from '../../../src/gate/gate.ts';
import { denialAnswer, errorAnswerTo, refusalAnswer, wireCodes } from '../../../src/gateway/mcp/answers.ts';
import { envelopeMember } from '../../../src/gateway/meta-members.ts';
import { metaKeys, reasonCodes } from '../../../src/names.ts';

const id = { raw: utf8('1.0e1'), key: 'n:10' };
const denial: Denial = { code: 'RULE_DENIES', rule: 'r1', message: 'Not "this"\npath.', retryable: false };
const envelopes: CallEnvelopes = {
  verdict: '{"n":1.50}',
  openings: { params: 'cA==', action: 'YQ==', arguments: { '/path': 'cGF0aA==' } },
};
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const read = (bytes: Uint8Array) => JSON.parse(textOf(bytes));

describe('a denial of tools/call', () => {
  const answer = denialAnswer({ id, method: 'tools/call', era: 'legacy', denial, envelopes });

  it('is a result that a model can read, with our members in its _meta', () => {
    const { result } = read(answer);
    expect(CallToolResultSchema.parse(result).isError).toBe(true);
    expect(result.content).toEqual([{ type: 'text', text: 'Not "this"\npath. (RULE_DENIES)' }]);
    expect(result._meta[metaKeys.denial]).toEqual(denial);
    expect(result._meta[metaKeys.envelope]).toEqual({ verdict: { n: 1.5 }, openings: envelopes.openings });
    expect(result).not.toHaveProperty('resultType');
    expect(() => JSONRPCMessageSchema.parse(read(answer))).not.toThrow();
  });

  it('echoes the id as it was written, and is one line', () => {
    expect(textOf(answer).startsWith('{"jsonrpc":"2.0","id":1.0e1,')).toBe(true);
    expect(textOf(answer)).not.toContain('\n');
  });

  it('takes the text of the bundles as it is', () => {
    expect(textOf(answer)).toContain('"verdict":{"n":1.50}');
  });

  it('says that it is complete in the modern era', () => {
    const modern = read(denialAnswer({ id, method: 'tools/call', era: 'modern', denial, envelopes }));
    expect(modern.result.resultType).toBe('complete');
  });

  it('has no envelope where nothing was recorded, and no rule where none decided', () => {
    const plain = { code: 'GATE_CLOSED', message: 'Closed.', retryable: true } as const;
    const { result } = read(denialAnswer({ id, method: 'tools/call', era: 'legacy', denial: plain }));
    expect(result._meta).toEqual({ [metaKeys.denial]: plain });
  });
});

it('a denial of any other call is an error whose data has the same two members', () => {
  const answer = read(denialAnswer({ id, method: 'resources/read', era: 'modern', denial, envelopes }));
  expect(answer.error.code).toBe(wireCodes.refused);
  expect(answer.error.data[metaKeys.denial]).toEqual(denial);
  expect(answer.error.data[metaKeys.envelope].verdict).toEqual({ n: 1.5 });
  expect(() => JSONRPCMessageSchema.parse(answer)).not.toThrow();
});

it('an envelope holds the outcome where there is one', () => {
  const { key, json } = envelopeMember({ ...envelopes, outcome: '{"o":1}' });
  expect(key).toBe(metaKeys.envelope);
  expect(JSON.parse(json)).toEqual({ verdict: { n: 1.5 }, outcome: { o: 1 }, openings: envelopes.openings });
});

describe('a refusal', () => {
  const codeOf = (code: CountersignError['code'], wasJson = true): number =>
    read(refusalAnswer({ error: new CountersignError(code, 'x'), id, wasJson })).error.code;

  it('has the code of JSON-RPC that fits', () => {
    expect(codeOf('FRAME_INVALID', false)).toBe(-32700);
    expect(codeOf('FRAME_INVALID')).toBe(-32600);
    expect(codeOf('MESSAGE_AMBIGUOUS')).toBe(-32600);
    expect(codeOf('METHOD_NOT_RELAYED')).toBe(-32601);
    expect(codeOf('ARGUMENTS_AMBIGUOUS')).toBe(-32602);
  });

  it('has a code that MCP reserves for what MCP means by it alone', () => {
    expect(codeOf('HEADER_MISMATCH')).toBe(-32020);
    for (const code of reasonCodes.filter((each) => each !== 'HEADER_MISMATCH')) {
      const wire = codeOf(code);
      expect(wire <= -32020 && wire >= -32099).toBe(false);
    }
  });

  it('carries our reason, and a null id where none is known', () => {
    const error = new CountersignError('FRAME_INVALID', 'Not JSON.');
    expect(read(refusalAnswer({ error, wasJson: false }))).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32700, message: 'Not JSON.', data: { code: 'FRAME_INVALID' } },
    });
    expect(read(errorAnswerTo(id, error))).toMatchObject({ id: 10, error: { code: -32600 } });
  });
});
