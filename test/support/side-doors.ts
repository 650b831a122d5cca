/**
 * Ways in which a client may try to get a tools/call past the gate. The server lists `say`, which is allowed, and
 * `forbidden`, which no rule allows.
 */
export interface Attack {
  readonly title: string;
  /** A line without its end. */
  readonly bytes: string | Uint8Array;
  /** Why it is refused or denied. */
  readonly code: string;
}

export const forbiddenCall = messageOf(['"id":1', '"method":"tools/call"', '"params":{"name":"forbidden"}']);

const ping = messageOf(['"id":1', '"method":"ping"']);
const [id, method, params] = ['"id":1', '"method":"tools/call"', '"params":{"name":"forbidden"}'];

/** A message of these members, in any spelling and order. */
function messageOf(members: readonly string[]): string {
  return `{"jsonrpc":"2.0",${members.join(',')}}`;
}

function attack(code: string) {
  return (title: string, bytes: Attack['bytes']): Attack => ({ title, bytes, code });
}

const cut = attack('FRAME_INVALID');
const raw = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));

/** What a lenient reader cuts, skips or decodes in another way than we do. */
const framing: readonly Attack[] = [
  cut('behind a byte order mark', `\ufeff${forbiddenCall}`),
  cut('in UTF-16', Buffer.from(forbiddenCall, 'utf16le')),
  cut(
    'between carriage returns inside a ping',
    messageOf([id, '"method":"ping"', `"params":{"x":\r${forbiddenCall}\r}`]),
  ),
  cut('behind a ping and a carriage return', `${ping}\r${forbiddenCall}`),
  cut('behind a ping and a line separator', `${ping}\u2028${forbiddenCall}`),
  cut('behind a ping and a next-line control', `${ping}\u0085${forbiddenCall}`),
  cut('behind a ping and a vertical tab', `${ping}\v${forbiddenCall}`),
  cut('behind a ping on the same line', `${ping} ${forbiddenCall}`),
  cut('behind a form feed', `\f${forbiddenCall}`),
  cut('behind a NUL', `\0${forbiddenCall}`),
  cut('behind a record separator', `\u001e${forbiddenCall}`),
  cut('behind a comment', `/* */${forbiddenCall}`),
  cut('with a comma too many', forbiddenCall.replace('}}', '},}')),
  cut('in single quotes', forbiddenCall.replaceAll('"', "'")),
  cut('with NaN for its id', forbiddenCall.replace('"id":1', '"id":NaN')),
  cut(
    'with an overlong slash',
    raw('{"jsonrpc":"2.0","id":1,"method":"tools', [0xc0, 0xaf], `call",${params}}`),
  ),
  cut(
    'with a byte that is no UTF-8',
    raw('{"jsonrpc":"2.0","id":1,"method":"tools/call', [0xff], `",${params}}`),
  ),
  cut(
    'with a surrogate in bytes',
    raw(`{"jsonrpc":"2.0",${id},${method},"params":{"name":"`, [0xed, 0xa0, 0x80], '"}}'),
  ),
  attack('TOO_LARGE')(
    'in a nesting that few parsers survive',
    messageOf([
      id,
      method,
      `"params":{"name":"say","arguments":{"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`,
    ]),
  ),
];

const twin = (title: string, ...members: string[]): Attack =>
  attack('MESSAGE_AMBIGUOUS')(title, messageOf(members));
const unfit = (title: string, ...members: string[]): Attack => cut(title, messageOf(members));

/** What another parser takes for another message. */
const messages: readonly Attack[] = [
  twin('as a second method', id, '"method":"ping"', method, params),
  twin('as a first method', id, method, params, '"method":"ping"'),
  twin('as a second method in escapes', id, '"method":"ping"', '"m\\u0065thod":"tools/call"', params),
  twin('as a method in another case', id, '"method":"ping"', '"Method":"tools/call"', params),
  twin('as the only method, in another case', id, '"METHOD":"tools/call"', params),
  twin('with second params', id, method, '"params":{"name":"say"}', params),
  twin(
    'with params that end in a long s',
    id,
    method,
    '"params":{"name":"say"}',
    '"param\u017f":{"name":"forbidden"}',
  ),
  twin('with a second id', id, '"id":2', method, params),
  twin('with an id in another case', id, '"ID":2', method, params),
  twin('beside a result', id, '"result":{}', method, params),
  twin('beside a result, in another case', id, '"result":{}', '"Method":"tools/call"', params),
  twin('beside an error', id, '"error":{"code":1,"message":""}', method, params),
  twin('with a second version', '"jsonrpc":"1.0"', id, method, params),
  twin('with half a character in its method', id, '"method":"tools/call\\ud800"', params),
  twin('with half a character for its id', '"id":"\\ud800"', method, params),
  twin('with an id beyond 2^53', '"id":9007199254740993', method, params),
  unfit('with the id null', '"id":null', method, params),
  unfit('with a fraction for its id', '"id":1.5', method, params),
  unfit('with an object for its id', '"id":{"a":1}', method, params),
  unfit('with a list for its method', id, '"method":["tools/call"]', params),
  unfit('with params by position', id, method, '"params":["forbidden",{}]'),
  unfit('without params', id, method),
  cut('without a version', `{${id},${method},${params}}`),
  cut('with another version', `{"jsonrpc":"1.0",${id},${method},${params}}`),
  cut('as a member of an object', `{"0":${forbiddenCall}}`),
  attack('CALL_WITHOUT_ID')('without an id', messageOf([method, params])),
  attack('CALL_WITHOUT_ID')(
    'without an id, of the allowed tool',
    messageOf([method, '"params":{"name":"say"}']),
  ),
];

const allowed = (title: string, members: string, code = 'ARGUMENTS_AMBIGUOUS'): Attack =>
  attack(code)(title, messageOf([id, method, `"params":{${members}}`]));

/** The tool that is allowed, asked in a way that another parser reads differently. */
const parameters: readonly Attack[] = [
  allowed('with a second name', '"name":"say","name":"forbidden"'),
  allowed('with a second name in escapes', '"name":"say","n\\u0061me":"forbidden"'),
  allowed('with a name in another case', '"name":"say","Name":"forbidden"'),
  allowed('with second arguments', '"name":"say","arguments":{},"arguments":{"x":1}'),
  allowed('with arguments in another case', '"name":"say","ARGUMENTS":{"x":1}'),
  allowed('with an argument twice, deep inside', '"name":"say","arguments":{"a":[{"b":{"c":1,"c":2}}]}'),
  allowed('with an argument in two cases', '"name":"say","arguments":{"path":"/a","Path":"/b"}'),
  allowed('with an argument under a Kelvin sign', '"name":"say","arguments":{"key":1,"\u212aey":2}'),
  allowed('with an integer that no double holds', '"name":"say","arguments":{"n":9007199254740993}'),
  allowed('with a number that overflows', '"name":"say","arguments":{"n":1e400}'),
  allowed('with half a character', '"name":"say","arguments":{"s":"\\udc00"}'),
  allowed('with half a character in a key', '"name":"say","arguments":{"\\ud800":1}'),
  allowed('with a key twice in `_meta`', '"name":"say","_meta":{"a":1,"a":2}'),
  allowed('with a list of arguments', '"name":"say","arguments":[]', 'FRAME_INVALID'),
  allowed('with a list for its name', '"name":["say"]', 'FRAME_INVALID'),
];

const names = [
  'Tools/Call',
  'TOOLS/CALL',
  'tool\u017f/call',
  'tools\u2215call',
  'tools/call ',
  ' tools/call',
  'tools/call\\u0000',
  'tools/call\\n',
];
const methods: readonly Attack[] = names.map((name) =>
  attack('METHOD_NOT_RELAYED')(`as the method “${name}”`, messageOf([id, `"method":"${name}"`, params])),
);

const batches: readonly Attack[] = [
  cut('in a batch in a batch', `[[${forbiddenCall}]]`),
  cut('in batches in batches', `[[[[${forbiddenCall}]]]]`),
  cut('behind a batch', `[${ping}] ${forbiddenCall}`),
  cut('in an empty batch', '[]'),
  attack('MESSAGE_AMBIGUOUS')(
    'in a batch, as a second method',
    `[${messageOf([id, '"method":"ping"', method, params])}]`,
  ),
  attack('CALL_WITHOUT_ID')('in a batch, without an id', `[${messageOf([method, params])}]`),
];

/** Refused before any decision. */
export const refusedAttacks: readonly Attack[] = [
  ...framing,
  ...messages,
  ...parameters,
  ...methods,
  ...batches,
];

const denied = attack('NO_RULE_ALLOWS');
const work = (title: string, of: string): Attack =>
  denied(title, messageOf([id, `"method":"${title}"`, `"params":{${of}}`]));

/** Well-formed in one way or another, and decided. */
export const deniedAttacks: readonly Attack[] = [
  denied('plainly', forbiddenCall),
  denied('with its method in escapes', forbiddenCall.replace('tools/call', '\\u0074ools\\/call')),
  denied('with its name in escapes', forbiddenCall.replace('forbidden', '\\u0066orbidden')),
  denied('with its keys in escapes', messageOf(['"\\u0069d":1', '"m\\u0065thod":"tools/call"', params])),
  denied('with a text for its id', forbiddenCall.replace('"id":1', '"id":"1"')),
  denied('with blanks around it and a CRLF', ` \t${forbiddenCall} \r`),
  denied('as a task', forbiddenCall.replace('"}}', '","task":{"ttl":60000}}}')),
  denied('as a round with input', forbiddenCall.replace('"}}', '","inputResponses":{},"requestState":"s"}}')),
  denied(
    'with an argument `__proto__`',
    forbiddenCall.replace('"}}', '","arguments":{"__proto__":{"name":"say"}}}}'),
  ),
  denied('as a batch of its own', `[${forbiddenCall}]`),
  denied('in a batch of two', `[${forbiddenCall},${forbiddenCall.replace('"id":1', '"id":2')}]`),
  attack('TOOL_UNKNOWN')('by a name that is not listed', forbiddenCall.replace('forbidden', 'Say')),
  attack('TOOL_UNKNOWN')('by a method’s name', forbiddenCall.replace('forbidden', 'resources:subscribe')),
  work('resources/read', '"uri":"odd://one"'),
  work('resources/subscribe', '"uri":"odd://one"'),
  work('prompts/get', '"name":"greet"'),
  work(
    'completion/complete',
    '"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"a","value":""}',
  ),
  work('subscriptions/listen', '"notifications":{"resourceSubscriptions":["odd://one"]}'),
];
