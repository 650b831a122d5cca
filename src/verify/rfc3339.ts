const form = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z$/;

/**
 * Wall milliseconds of an RFC 3339 time in UTC, the only zone that statements and trust roots use; digits past the
 * millisecond are cut. Undefined for anything else, impossible dates included.
 */
export function parseUtc(text: string): number | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const whole = `${text.slice(0, 19)}.${(match[7] ?? '').padEnd(3, '0').slice(0, 3)}Z`;
  const time = Date.parse(whole);
  // Date.parse would take 31 February for a day in March.
  return Number.isNaN(time) || new Date(time).toISOString() !== whole ? undefined : time;
}
