/** Dates are `YYYY-MM-DD`, or `--MM-DD` where no year was said; times are `HH:MM`. */

interface DateWord {
  /** Several where day and month could be either. */
  readonly dates: readonly string[];
  readonly time: string | undefined;
}

const iso =
  /^(\d{4})[-/](\d{2})[-/](\d{2})(?:t(\d{2}):(\d{2})(?::\d{2}(?:\.\d{1,9})?)?(?:z|[+-]\d{2}:?\d{2})?)?$/;
const dayFirst = /^(\d{1,2})([./-])(\d{1,2})\2(\d{4})$/;

/** A word that is a date, or a date with a time. */
export function parseDate(word: string): DateWord | undefined {
  if (word.length > 40) return undefined;
  const whole = iso.exec(word);
  if (whole !== null) {
    const [, year, month, day, hour, minute] = whole;
    const dates = valid(Number(month), Number(day)) ? [`${year}-${month}-${day}`] : [];
    return { dates, time: hour === undefined ? undefined : `${hour}:${minute}` };
  }
  const parts = dayFirst.exec(word);
  if (parts === null) return undefined;
  const [, one, , other, year] = parts;
  const readings = [
    [Number(one), Number(other)],
    [Number(other), Number(one)],
  ] as const;
  const dates = readings.filter(([month, day]) => valid(month, day)).map((pair) => dateOf(year, ...pair));
  return { dates: [...new Set(dates)], time: undefined };
}

const clock = /^(\d{1,2})(?::(\d{2})(?::\d{2}(?:\.\d{1,9})?)?)?(am|pm|a\.m|p\.m)?$/;

/** A word that is a time, with the word after it, which may be `am` or `pm`. */
export function parseTime(word: string, next: string | undefined): string | undefined {
  const parts = word.length > 20 ? null : clock.exec(word);
  if (parts === null) return undefined;
  const half = parts[3] ?? (isHalfOfDay(next) ? next : undefined);
  if (parts[2] === undefined && half === undefined) return undefined;
  const hour = Number(parts[1]);
  const minute = Number(parts[2] ?? 0);
  if (minute > 59 || hour > (half === undefined ? 23 : 12) || (half !== undefined && hour === 0))
    return undefined;
  const ofDay = half === undefined ? hour : (hour % 12) + (half.startsWith('p') ? 12 : 0);
  return `${two(ofDay)}:${two(minute)}`;
}

export function isHalfOfDay(word: string | undefined): boolean {
  return word !== undefined && /^[ap]\.?m$/.test(word);
}

const months = new Map(
  ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october']
    .concat('november', 'december')
    .flatMap((name, at) => [[name, at + 1] as const, [name.slice(0, 3), at + 1] as const])
    .concat([['sept', 9]]),
);

/** How far from a month's name its days and its year may stand, in words. */
const reach = 6;
const between = new Set([
  'of',
  'the',
  'to',
  'and',
  'until',
  'till',
  'through',
  ',',
  '-',
  '\u2013',
  '.',
  '\n',
]);

/** Dates whose month is a name: `May 26th`, `26 May 2024`, `the 13th to the 17th of May`. */
export function* daysIn(words: readonly string[]): Generator<string> {
  for (let at = 0; at < words.length; at += 1) {
    const month = months.get(words[at] ?? '');
    if (month === undefined) continue;
    const before = numbersFrom(words, at, -1);
    const after = numbersFrom(words, at, 1);
    const year = [...after, ...before].find((one) => one > 1_900 && one < 2_200);
    for (const day of [...before, ...after])
      if (valid(month, day)) yield dateOf(year?.toString(), month, day);
  }
}

/** `26`, `26th`, `10-13`. */
const days = /^\d{1,2}(?:st|nd|rd|th)?(?:-\d{1,2}(?:st|nd|rd|th)?)?$/;

/** Days and years beside a month's name, as long as nothing else stands between. */
function numbersFrom(words: readonly string[], from: number, step: 1 | -1): number[] {
  const numbers: number[] = [];
  for (let away = 1; away <= reach; away += 1) {
    const word = words[from + step * away];
    if (word === undefined) break;
    if (between.has(word)) continue;
    if (/^\d{4}$/.test(word)) {
      numbers.push(Number(word));
      break;
    }
    if (!days.test(word)) break;
    for (const digits of word.match(/\d+/g) ?? []) numbers.push(Number(digits));
  }
  return numbers;
}

function dateOf(year: string | undefined, month: number, day: number): string {
  return `${year ?? '-'}-${two(month)}-${two(day)}`;
}

function valid(month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
