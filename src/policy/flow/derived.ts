import { daysIn, isHalfOfDay, parseDate, parseTime } from './dates.ts';
import { edge, glue, wordsOf } from './words.ts';

/**
 * What a text says in other letters than a call does: `$1,200.00` and 1200, `May 26th` and 2024-05-26, `5 pm` and 17:00,
 * `https://www.example.org/` and example.org. Each form is a word of its own that no text can contain.
 */
export function derivedOf(words: readonly string[]): string[] {
  const derived = new Set<string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!mayDerive.test(word)) continue;
    const number = numberIn(word);
    if (number !== undefined && (word.length > 1 || isMoney(words, at))) derived.add(numberForm(number));
    const next = wordAfter(words, at);
    const date = parseDate(word);
    const time = date === undefined ? parseTime(word, next) : (date.time ?? timeIn(next));
    for (const one of date?.dates ?? []) {
      derived.add(dateForm(one));
      if (time !== undefined) derived.add(momentForm(one, time));
    }
    if (time !== undefined) derived.add(timeForm(time));
    if (isUrl(word)) derived.add(urlForm(bareUrl(word)));
  }
  for (const date of daysIn(words)) derived.add(dateForm(date));
  return [...derived];
}

/**
 * The same of what a person asked for, who says a day here and a time there, and leaves the time open by not saying any. Of an output
 * only what stands together belongs together: its parts may be several people's.
 */
export function saidIn(words: readonly string[]): string[] {
  const derived = derivedOf(words);
  const apart = derived.filter((form) => form.startsWith(dateForm('')) || form.startsWith(timeForm('')));
  const saysTime = apart.some((form) => form.startsWith(timeForm('')));
  return [...derived, ...apart.map(said), ...(saysTime ? [] : [said(timeForm('any'))])];
}

function said(form: string): string {
  return `said\n${form}`;
}

const mayDerive = /^-?[0-9]|^https?:|^www\./;

/** The ways in which a value may have been said: of one of them, each sequence of words must be there. */
export function formsOf(value: string): string[][][] {
  const words = wordsOf(value);
  if (words.length === 0) return [];
  const whole = [[wholeForm(words)]];
  // One letter or digit stands in any text: it must have been the whole of a value, or in quotes.
  if (/^.$/su.test(words.join(''))) return [whole, ...standingAlone(words[0] ?? '')];
  return [whole, [words], ...numberForms(value), ...dateForms(words), ...urlForms(words)];
}

function standingAlone(word: string): string[][][] {
  const quoted = [
    ['"', '"'],
    ["'", "'"],
    ['\u201c', '\u201d'],
    ['\u2018', '\u2019'],
    ['`', '`'],
  ].map(([open = '', close = '']) => [[open, glue, word, glue, close]]);
  return [[[edge, word, edge]], ...quoted, ...(/^[0-9]$/.test(word) ? [[[numberForm(word)]]] : [])];
}

function numberForms(value: string): string[][][] {
  const number = numberIn(value);
  return number === undefined ? [] : [[[numberForm(number)]]];
}

/** A date with or without its year; of a date and a time, both. */
function dateForms(words: readonly string[]): string[][][] {
  const [day = '', clock, ...rest] = words;
  if (rest.length > 0) return [];
  const date = parseDate(day);
  if (date === undefined) {
    const time = clock === undefined || isHalfOfDay(clock) ? parseTime(day, clock) : undefined;
    return time === undefined ? [] : [[[timeForm(time)]]];
  }
  const time = clock === undefined ? date.time : timeIn(clock);
  // A second word that is no time, or is one too many, is something else: the value is more than a date.
  if (clock !== undefined && (time === undefined || date.time !== undefined)) return [];
  const days = date.dates.flatMap((one) => [one, withoutYear(one)]);
  if (time === undefined) return days.map((one) => [[dateForm(one)]]);
  const times = [said(timeForm(time)), said(timeForm('any'))];
  return [
    ...days.map((one) => [[momentForm(one, time)]]),
    ...days.flatMap((one) => times.map((other) => [[said(dateForm(one))], [other]])),
  ];
}

function timeIn(word: string | undefined): string | undefined {
  return word === undefined ? undefined : parseTime(word, undefined);
}

function withoutYear(date: string): string {
  return `-${date.slice(4)}`;
}

function urlForms(words: readonly string[]): string[][][] {
  const [word = '', ...rest] = words.filter((one) => one !== glue && one !== '/');
  if (rest.length > 0 || !/[^.]\.[^.]/.test(word) || /[@]/.test(word)) return [];
  const bare = bareUrl(word);
  return [[[urlForm(bare)]], [[bare]]];
}

function isUrl(word: string): boolean {
  return /^https?:\/\/.|^www\../.test(word);
}

function bareUrl(word: string): string {
  return word.replace(/^https?:\/\//, '').replace(/^www\./, '');
}

/** Of a number with more digits several are equal, and an account's number is none to reckon with. */
const numberPattern = /^-?(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.\d{1,6})?$/;

/** `1,200.00` → `1200`: how a number is written in the arguments of a call. */
function numberIn(word: string): string | undefined {
  if (!numberPattern.test(word) || word.replace(/\D/g, '').length > 15) return undefined;
  // A leading zero makes it a code rather than a number.
  if (/^-?0\d/.test(word)) return undefined;
  return String(Number(word.replaceAll(',', '')));
}

/** `$5`, `5 €`. */
function isMoney(words: readonly string[], at: number): boolean {
  const before = words[at - 1] === glue ? words[at - 2] : words[at - 1];
  return /^\p{Sc}$/u.test(before ?? '') || /^\p{Sc}$/u.test(wordAfter(words, at) ?? '');
}

function wordAfter(words: readonly string[], at: number): string | undefined {
  return words[at + 1] === glue ? words[at + 2] : words[at + 1];
}

/**
 * The value of a field that is relied on, which is found only as a whole: a stranger may have got a sentence into a field for names.
 * What it says otherwise counts if it says nothing more.
 */
export function fieldForms(words: readonly string[]): string[] {
  return [wholeForm(words), ...(words.length <= 3 ? derivedOf(words) : [])];
}

function wholeForm(words: readonly string[]): string {
  return `whole\n${words.join(' ')}`;
}

// Line breaks are in no word: what is derived is never taken for what was said.
function numberForm(number: string): string {
  return `number\n${number}`;
}
function dateForm(date: string): string {
  return `date\n${date}`;
}
function timeForm(time: string): string {
  return `time\n${time}`;
}
function momentForm(date: string, time: string): string {
  return `moment\n${date} ${time}`;
}
function urlForm(url: string): string {
  return `url\n${url}`;
}
