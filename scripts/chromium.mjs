// Prints the path of a Chromium. Where there is none, and this is root on a Debian, it installs the distribution's own
// first: no package of the registry carries a browser, and none is downloaded from anywhere else.
//
// $CHROMIUM names one to use; CHROMIUM=none does without.
//
// Exit codes: 0, the path is on standard output; 3, there is none and it cannot be had here, as without a network; 1, the
// one that was named is none. The reason is on standard error.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter).filter(isAbsolute)];

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function find() {
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}

function leave(code, reason) {
  console.error(reason);
  process.exit(code);
}

function provide() {
  const named = process.env.CHROMIUM;
  if (named === 'none') leave(3, 'CHROMIUM=none: no browser is wanted here.');
  if (named) return isExecutable(named) ? named : leave(1, `CHROMIUM=${named} cannot be executed.`);
  return find() ?? install();
}

function install() {
  if (process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get'))
    leave(
      3,
      'There is no Chromium here. Install one (Debian: apt-get install chromium), or name it in $CHROMIUM.',
    );
  console.error('There is no Chromium here: installing the package chromium, which takes a minute or two.');
  // The lists may be fresh; updating them is only worth its time where the package is not found in them.
  const first = aptGet('install', 'chromium');
  if (first.status !== 0) {
    const update = aptGet('update');
    const second = update.status === 0 ? aptGet('install', 'chromium') : update;
    if (second.status !== 0) leave(3, `Chromium could not be installed.\n${lastLines(second)}`);
  }
  return find() ?? leave(3, 'The package chromium is installed and brought no executable.');
}

function aptGet(command, ...packages) {
  // Another apt may be at work: wait for it rather than fail. A mirror may drop a connection: try again.
  const options = ['DPkg::Lock::Timeout=300', 'Acquire::Retries=3', 'APT::Install-Recommends=false'];
  return spawnSync(
    '/usr/bin/apt-get',
    [command, '-y', '-qq', ...options.flatMap((option) => ['-o', option]), ...packages],
    {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 600_000,
    },
  );
}

function lastLines({ stdout, stderr, error }) {
  return `${stdout ?? ''}${stderr ?? ''}${error ? String(error) : ''}`
    .trim()
    .split('\n')
    .slice(-10)
    .join('\n');
}

console.log(provide());
