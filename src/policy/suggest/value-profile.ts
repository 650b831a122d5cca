import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { TextProfile } from './text-profile.ts';

const mostNumbers = 32;
const mostKeys = 32;
const longestKey = 64;
/** Lists and maps inside one another whose inner values are looked at. */
export const deepest = 3;

/** What may still be remembered of one tool: a caller chooses how many names and levels there are. */
export interface Room {
  left: number;
}

/** What values at one place had in common. Mutable. */
export class ValueProfile {
  count = 0;
  nulls = 0;
  readonly booleans = new Set<boolean>();
  readonly numbers = new NumberProfile();
  readonly texts = new TextProfile();
  lists: ListProfile | undefined;
  maps: MapProfile | undefined;

  see(value: Json, room: Room, depth = 0): void {
    this.count += 1;
    if (value === null) this.nulls += 1;
    else if (typeof value === 'boolean') this.booleans.add(value);
    else if (typeof value === 'number') this.numbers.see(value);
    else if (typeof value === 'string') this.texts.see(value);
    else if (isJsonObject(value)) (this.maps ??= new MapProfile()).see(value, room, depth);
    else if (Array.isArray(value)) (this.lists ??= new ListProfile()).see(value, room, depth);
  }
}

export class NumberProfile {
  count = 0;
  least = Infinity;
  most = -Infinity;
  /** The different ones; undefined once there are too many. */
  values: Set<number> | undefined = new Set();

  see(value: number): void {
    this.count += 1;
    this.least = Math.min(this.least, value);
    this.most = Math.max(this.most, value);
    this.values?.add(value);
    if (this.values !== undefined && this.values.size > mostNumbers) this.values = undefined;
  }
}

export class ListProfile {
  count = 0;
  longest = 0;
  /** Of all elements of all lists; undefined where nothing more is remembered. */
  element: ValueProfile | undefined = new ValueProfile();

  see(list: readonly Json[], room: Room, depth: number): void {
    this.count += 1;
    this.longest = Math.max(this.longest, list.length);
    if (depth >= deepest || !takes(room)) this.element = undefined;
    for (const element of list) this.element?.see(element, room, depth + 1);
  }
}

export class MapProfile {
  count = 0;
  largest = 0;
  /** By name; undefined where there are too many, or they look like data. */
  fields: Map<string, ValueProfile> | undefined = new Map();

  see(map: JsonObject, room: Room, depth: number): void {
    this.count += 1;
    const entries = Object.entries(map);
    this.largest = Math.max(this.largest, entries.length);
    if (depth >= deepest || !takes(room)) this.fields = undefined;
    for (const [name, value] of entries) this.#field(name, room)?.see(value, room, depth + 1);
  }

  #field(name: string, room: Room): ValueProfile | undefined {
    const known = this.fields?.get(name);
    if (known !== undefined || this.fields === undefined) return known;
    if (this.fields.size >= mostKeys || name.length > longestKey || !takes(room)) {
      this.fields = undefined;
      return undefined;
    }
    const field = new ValueProfile();
    this.fields.set(name, field);
    return field;
  }
}

function takes(room: Room): boolean {
  room.left -= 1;
  return room.left >= 0;
}
