/**
 * Whether JSON says all of a value. A `Map` prints as `{}`, `NaN` as `null`, a function as nothing at all: a gate that is asked about
 * the text would decide on something else than what runs. What has a text of its own (`toJSON`, as a `Date`) is said by that; a member
 * that is undefined is not there.
 */
export function isSaidByJson(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return value === null || (depth < deepest && isObjectSaid(value, depth + 1));
    default:
      return false;
  }
}

/** More than any gate reads. */
const deepest = 256;

function isObjectSaid(value: object, depth: number): boolean {
  if ('toJSON' in value && typeof value.toJSON === 'function') return true;
  if (Array.isArray(value)) return Array.from(value).every((item) => isSaidByJson(item, depth));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(value).every((item) => item === undefined || isSaidByJson(item, depth));
}
