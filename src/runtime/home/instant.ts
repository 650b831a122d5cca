const form = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?(?:Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Wall milliseconds of an RFC 3339 time with its zone; undefined for anything else, days that do not exist included. */
export function parseInstant(text: string): number | undefined {
  const [, day, time] = form.exec(text) ?? [];
  // Date.parse takes 31 February for a day in March, and 24:00:00 for the next day's beginning.
  const local = Date.parse(`${day}T${time}Z`);
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 19) !== `${day}T${time}`)
    return undefined;
  return Date.parse(text);
}
