import type { Io, Output } from './io.ts';

/** Colour only on a terminal, and never against `NO_COLOR` (no-color.org). */
export function colourAllowed(output: Output, { env }: Pick<Io, 'env'>): boolean {
  return output.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

export type Paint = (text: string) => string;

export interface Palette {
  readonly good: Paint;
  readonly bad: Paint;
  readonly dim: Paint;
  readonly bold: Paint;
}

export function palette(output: Output, io: Pick<Io, 'env'>): Palette {
  const paint = (code: number): Paint =>
    colourAllowed(output, io) ? (text) => `\u001b[${code}m${text}\u001b[0m` : (text) => text;
  return { good: paint(32), bad: paint(31), dim: paint(2), bold: paint(1) };
}
