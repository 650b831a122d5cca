/** `npm run bench -- NAME…`: runs benchmarks; each figure is a JSON line, and a table at the end. */
import { printTable, type Figure } from './figure.ts';

const benchmarks: Readonly<Record<string, () => Promise<{ bench: () => AsyncIterable<Figure> }>>> = {
  wrap: () => import('./wrap.ts'),
  ledger: () => import('./ledger.ts'),
  gateway: () => import('./gateway.ts'),
  verify: () => import('./verify.ts'),
  identity: () => import('./identity.ts'),
  adapters: () => import('./adapters.ts'),
  commands: () => import('./commands.ts'),
  policy: () => import('./policy.ts'),
  agentdojo: () => import('./agentdojo.ts'),
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) {
  console.error(
    `There is no benchmark ${unknown.join(', ')}; there is ${Object.keys(benchmarks).join(', ')}.`,
  );
  process.exit(2);
}

const figures: Figure[] = [];
for (const [name, load] of Object.entries(benchmarks)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const { bench } = await load();
  for await (const figure of bench()) {
    console.log(JSON.stringify(figure));
    figures.push(figure);
  }
}
printTable(figures);
