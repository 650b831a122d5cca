import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCursors } from '../../../../src/gateway/http/mcp/aggregate/cursors.ts';
import { innerName, outerName, rivals } from '../../../../src/gateway/http/mcp/aggregate/names.ts';
import { fits } from '../../../../src/gateway/http/mcp/aggregate/uri-template.ts';

const server = fc.stringMatching(/^[ab][ab_]{0,5}$/);

describe('a name at /mcp', () => {
  it('leads back to the one server and the one tool that it was made of', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(server, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.string({ minLength: 1 }),
        (servers, at, tool) => {
          fc.pre(rivals(servers) === undefined);
          const own = servers[at % servers.length] ?? '';
          const outer = outerName(own, tool);
          if (outer !== undefined) expect(innerName(outer, servers)).toEqual({ server: own, name: tool });
        },
      ),
    );
  });

  it('could be meant of two servers only where they are rivals', () => {
    fc.assert(
      fc.property(server, server, fc.stringMatching(/^[ab_]{1,20}$/), (one, other, text) => {
        fc.pre(one !== other);
        const isBoth = innerName(text, [one]) !== undefined && innerName(text, [other]) !== undefined;
        if (isBoth) expect(rivals([one, other])).toBeDefined();
      }),
    );
  });

  it('has something after its server, and no more than 128 characters', () => {
    expect(outerName('a', '')).toBeUndefined();
    expect(outerName('a', 'x'.repeat(125))).toHaveLength(128);
    expect(outerName('a', 'x'.repeat(126))).toBeUndefined();
    expect(innerName('a__', ['a'])).toBeUndefined();
    expect(innerName('a_x', ['a'])).toBeUndefined();
  });
});

describe('a URI template', () => {
  it.each([
    ['test://template/{id}/data', 'test://template/7/data', true],
    ['test://template/{id}/data', 'test://template/7/8/data', false],
    ['test://template/{id}/data', 'test://template//data', false],
    ['file:///{+path}', 'file:///a/b/c', true],
    ['file:///{+path}', 'file:///', false],
    ['a://x{?q,r}', 'a://x', true],
    ['a://x{?q,r}', 'a://x?q=1&r=2', true],
    ['a://x{?q,r}', 'a://xy', false],
    ['a://{a}-{b}', 'a://1-2', true],
    ['a://plain', 'a://plain', true],
    ['a://plain', 'a://plain2', false],
    ['{a}{b}{c}', 'a:x', true],
    ['{', '{', true],
  ])('%s fits %s: %s', (template, uri, expected) => {
    expect(fits(uri, template)).toBe(expected);
  });

  it('is held against a URI in no time, whoever wrote either', () => {
    const begun = performance.now();
    fits('a'.repeat(2_000), '{a}a'.repeat(500));
    expect(performance.now() - begun).toBeLessThan(200);
    fc.assert(
      fc.property(fc.string(), fc.string(), (uri, template) => typeof fits(uri, template) === 'boolean'),
    );
  });
});

describe('a cursor of /mcp', () => {
  const cursors = createCursors();
  const positions = new Map([['a', { cursor: 'next', pages: 1 }]]);

  const refused = { code: 'FRAME_INVALID' };

  it('says where each server goes on, to its owner and for its list', async () => {
    const sealed = await cursors.seal('me', 'tools/list', positions);
    expect(await cursors.open('me', 'tools/list', sealed)).toEqual(positions);
    for (const [owner, method, cursor] of [
      ['you', 'tools/list', sealed],
      ['me', 'prompts/list', sealed],
      ['me', 'tools/list', sealed.slice(1)],
      ['me', 'tools/list', await createCursors().seal('me', 'tools/list', positions)],
    ] as const)
      await expect(cursors.open(owner, method, cursor)).rejects.toMatchObject(refused);
  });

  it('is opened by no other text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        await expect(cursors.open('me', 'tools/list', text)).rejects.toMatchObject(refused);
      }),
    );
  });
});
