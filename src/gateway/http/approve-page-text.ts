/** The page as a browser gets it: the same for everybody, whatever is asked for. What it shows, the script fetches. */
export const pageHtml = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Approvals · Countersign</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/approve/page.css">
<script src="/approve/page.js" defer></script>
</head>
<body>
<main>
<h1>Approvals</h1>
<p id="status" role="status" aria-live="polite"></p>
<p><button type="button" id="start" hidden></button></p>
<div id="requests"></div>
</main>
<noscript><p>A passkey needs JavaScript.</p></noscript>
</body>
</html>
`;

export const pageCss = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 48rem; margin: 0 auto; padding: 1rem; }
section { border: 1px solid; border-radius: .5rem; padding: 0 1rem 1rem; margin: 1rem 0; }
h2, dd, pre, li { overflow-wrap: anywhere; }
h2, dd, li, pre, .text { direction: ltr; unicode-bidi: bidi-override; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; }
dd { margin: 0; }
pre { border: 1px solid; padding: .5rem; white-space: pre-wrap; max-height: 60vh; overflow: auto; }
.warning { border-left: .3rem solid #b00020; padding-left: .7rem; font-weight: 600; }
button { font: inherit; padding: .5rem 1.2rem; margin-right: .5rem; }
`;

/**
 * Everything that was written elsewhere becomes text, never markup, with what does not print written out, from left to right. What is
 * shown of a call is read from the document whose digest is signed, after it was hashed here.
 */
export const pageScript = String.raw`'use strict';
const byId = (id) => document.getElementById(id);
const start = byId('start');

/** As a terminal would show it: no character hides another one. */
const visible = (text) =>
  String(text).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Cs}]/gu, (one) =>
    one === '\n' ? one : '\\u{' + one.codePointAt(0).toString(16) + '}',
  );
const line = (text) => visible(text).replaceAll('\n', '\\n');

const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
};

const say = (text) => {
  byId('status').textContent = line(text);
};

const post = async (path, body) => {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    credentials: 'omit',
    cache: 'no-store',
    redirect: 'error',
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.code + ': ' + answer.error.message);
  return answer;
};

const sign = async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
};

/** Runs one step at a time, and says what went wrong. */
let isBusy = false;
const step = async (work) => {
  if (isBusy) return;
  isBusy = true;
  for (const button of document.querySelectorAll('button')) button.disabled = true;
  try {
    await work();
  } catch (error) {
    say(error.name === 'NotAllowedError' ? 'The passkey was not used. Try again.' : error.message);
  } finally {
    isBusy = false;
    for (const button of document.querySelectorAll('button')) button.disabled = false;
  }
};

const digestOf = async (text) => {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...digest)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
};

/** What is to be shown: the document itself, where its arguments are kept. */
const readRequest = async ({ approval, document: text, approve }) => {
  if (text === null) return { ...approval, server: approval.tool.server, tool: approval.tool.name };
  if ((await digestOf(text)) !== approve.challenge)
    throw new Error('What would be signed is not what would be shown: nothing is shown.');
  const read = JSON.parse(text);
  return { ...read, server: read.server.name };
};

const facts = (request) => [
  ['Tool', request.server + '/' + request.tool],
  ['Asked by', request.agent.id],
  ['On behalf of', request.human ? request.human.subject + ' of ' + request.human.issuer : 'nobody'],
  ['Rule', request.rule],
  ['May approve', request.from.join(', ')],
  ['Approvals needed', String(request.count)],
  ['Asked at', request.requestedAt],
  ['Until', request.expiresAt],
  ['Tenant', request.tenant],
  ['Policy', request.policy],
  ['Request', request.id],
];

const listOf = (rows) => {
  const list = element('dl');
  for (const [name, value] of rows) list.append(element('dt', name), element('dd', line(value)));
  return list;
};

const answerButton = (section, seen, answer, label, done) => {
  const button = element('button', label);
  button.type = 'button';
  button.addEventListener('click', () =>
    step(async () => {
      const credential = await sign(seen[answer]);
      const { state } = await post('/approve/answer', { id: seen.approval.id, answer, credential });
      section.replaceChildren(element('p', done + ' The request is now ' + line(state) + '.'));
      section.dataset.state = state;
      say(done);
    }),
  );
  return button;
};

const sectionOf = async (seen) => {
  const request = await readRequest(seen);
  const section = element('section');
  section.dataset.id = seen.approval.id;
  section.append(element('h2', line(request.server + '/' + request.tool)), listOf(facts(request)));
  if (seen.document === null)
    section.append(element('p', 'What it would be called with is not kept here, and cannot be shown.', 'warning'));
  for (const name of ['arguments', 'params']) {
    if (request[name] === undefined) continue;
    section.append(element('h3', name === 'arguments' ? 'Arguments' : 'What else is sent'));
    section.append(element('pre', visible(JSON.stringify(request[name], null, 2))));
  }
  if (seen.findings.length > 0) {
    section.append(element('p', 'Look twice:', 'warning'));
    const list = element('ul');
    for (const { at, message, excerpt } of seen.findings)
      list.append(element('li', line((at || '/') + ': ' + message + ' ' + excerpt)));
    section.append(list);
  }
  const own = seen.approval.grants.length;
  if (own > 0) section.append(element('p', 'Approved so far by ' + own + ' of ' + request.count + '.'));
  section.append(
    answerButton(section, seen, 'approve', 'Approve this call, once', 'Approved and signed.'),
    answerButton(section, seen, 'deny', 'Refuse it', 'Refused and signed.'),
  );
  return section;
};

const look = async () => {
  const id = location.hash.slice(1);
  const credential = await sign(await post('/approve/see/options', {}));
  const { name, subject, requests } = await post('/approve/see', { credential, ...(id && { id }) });
  byId('requests').replaceChildren(...(await Promise.all(requests.map(sectionOf))));
  start.textContent = 'Look again';
  say(
    requests.length === 0
      ? 'Nothing waits for ' + subject + ' (' + name + ').'
      : 'You are ' + subject + ' (' + name + '). Read each call before you sign it.',
  );
};

const enrol = async (token) => {
  const { options } = await post('/approve/enrol/options', { token });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = (await navigator.credentials.create({ publicKey })).toJSON();
  const { name } = await post('/approve/enrol', { token, credential });
  byId('requests').replaceChildren();
  start.hidden = true;
  say('The passkey ' + name + ' is registered. Calls that wait for you are at ' + location.origin + '/approve');
};

const greet = async (token) => {
  const { name, subject, issuer, roles, groups } = await post('/approve/enrol/options', { token });
  const section = element('section');
  section.append(
    element('h2', 'Register a passkey'),
    listOf([
      ['You are', subject + ' of ' + issuer],
      ['Key', name],
      ['Roles', roles.join(', ') || 'none'],
      ['Groups', groups.join(', ') || 'none'],
    ]),
    element('p', 'Go on only if this is you. The link works once, and is not to be handed on.'),
  );
  byId('requests').replaceChildren(section);
  start.textContent = 'Register';
  start.hidden = false;
  start.addEventListener('click', () => step(() => enrol(token)));
};

const begin = () => {
  if (!window.isSecureContext || typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON !== 'function')
    return say('This browser cannot sign with a passkey here.');
  if (location.pathname === '/approve/enrol') {
    const token = location.hash.slice(1);
    // A secret: not in the history, nor in what is copied from the address bar.
    history.replaceState(null, '', location.pathname);
    return step(() => greet(token));
  }
  start.textContent = 'Show what waits for me';
  start.hidden = false;
  start.addEventListener('click', () => step(look));
  return say('Your passkey says who you are. Nothing is shown before.');
};
begin();
`;
