import { createInterface } from 'node:readline/promises';
import type { Io } from './io.ts';

/** Asks on the terminal. Whatever is no yes is a no, and so is the end of what is typed: a question alone waits for ever then. */
export async function saysYes(question: string, { stdin }: Pick<Io, 'stdin'>): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: process.stdout });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return /^y(es)?$/i.test(await Promise.race([lines.question(question), ended]));
  } finally {
    lines.close();
  }
}
