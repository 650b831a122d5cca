/** A process that wants the token of the login in this folder at this moment, and prints it: `ROOT ISSUER MILLISECONDS`. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loginTokens } from '../../../src/runtime/login/login-tokens.ts';
import { placeAt } from './folder.ts';

const [root = '', issuer = '', at = '0'] = process.argv.slice(2);
const source = loginTokens({ path: join(root, 'login.json'), ...placeAt(issuer) });
await pause(Math.max(0, Number(at) - Date.now()));
process.stdout.write(JSON.stringify(await source()));
