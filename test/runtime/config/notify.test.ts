import { describe, expect, it } from 'vitest';
import { readNotify } from '../../../src/runtime/config/read-notify.ts';
import { readConfig } from '../../../src/runtime/config/read.ts';

const source = (text: string) => ({ name: 'c.yaml', text, env: { TOKEN: 't1' } });
const notify = (fields: string) =>
  readNotify(source(`version: 1\nservers: 7\nnotify: { ops: { ${fields} } }\n`));

describe('who is told what came of calls', () => {
  it('has an address, headers from the environment, and a time, whatever else the file says', () => {
    const headers = "headers: { authorization: 'Bearer ${env:TOKEN}' }";
    expect(notify(`url: https://hooks.example.org/a?b=c, ${headers}, timeout: 2s`)).toEqual({
      ops: {
        url: 'https://hooks.example.org/a?b=c',
        headers: { authorization: 'Bearer t1' },
        timeout: 2_000,
      },
    });
    expect(notify('url: http://127.0.0.1:9000/')).toEqual({
      ops: { url: 'http://127.0.0.1:9000/', headers: {}, timeout: 5_000 },
    });
  });

  it('is nobody unless told', () => {
    expect(readConfig(source('version: 1\n')).notify).toEqual({});
    expect(readNotify(source('version: 1\n'))).toEqual({});
  });

  it.each([
    'url: http://hooks.example.org/',
    'url: http://127.0.0.1.example.org/',
    'url: https://user:pass@hooks.example.org/',
    'url: https://hooks.example.org/#a',
    'url: file:///etc/passwd',
    'url: nowhere',
    'headers: {}',
    'url: https://hooks.example.org/, timeout: 5m',
    'url: https://hooks.example.org/, tries: 9',
    "url: https://hooks.example.org/, headers: { 'a b': c }",
  ])('is refused where that is unsafe or unknown: %s', (fields) => {
    expect(() => notify(fields)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
