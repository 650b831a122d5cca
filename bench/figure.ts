/** One measured figure, beside what it is held against in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline?: number;
  /** `value / baseline`. */
  readonly ratio?: number;
}

export function figure(name: string, value: number, unit: string, baseline?: number): Figure {
  const rounded = round(value);
  return baseline === undefined
    ? { name, value: rounded, unit }
    : { name, value: rounded, unit, baseline: round(baseline), ratio: round(value / baseline) };
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
}

export function printTable(figures: readonly Figure[]): void {
  const width = Math.max(...figures.map(({ name }) => name.length));
  console.log('');
  for (const { name, value, unit, baseline, ratio } of figures) {
    const against = baseline === undefined ? '' : `  against ${baseline} (ratio ${ratio})`;
    console.log(`${name.padEnd(width)}  ${String(value).padStart(10)} ${unit}${against}`);
  }
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
