/** How many different values are remembered one by one. */
export const remembered = 32;
const longestRemembered = 64;
const mostHosts = 8;
/** A longer one would cost a pattern more than a decision has. */
const longestUrl = 8_192;

/** What texts had in common, in bounded space. Mutable: it is told one text after the other. */
export class TextProfile {
  count = 0;
  /** In code points, as CEL counts. */
  longest = 0;
  /** The different texts; undefined once there are too many, or one is too long. */
  values: Set<string> | undefined = new Set();
  /** Leading segments that all paths share; undefined when one was no absolute path. */
  folder: readonly string[] | undefined;
  /** Whether the shared folder itself was one of them. */
  folderItself = false;
  /** Domains of e-mail addresses; undefined when one was none. */
  domains: Set<string> | undefined = new Set();
  /** `https://host`; undefined when one was no URL. */
  origins: Set<string> | undefined = new Set();

  see(text: string): void {
    this.longest = Math.max(this.longest, lengthOf(text));
    this.#seePath(text);
    this.values = grown(this.values, text.length <= longestRemembered ? text : undefined, remembered);
    this.domains = grown(this.domains, domainOf(text), mostHosts);
    this.origins = grown(this.origins, originOf(text), mostHosts);
    this.count += 1;
  }

  #seePath(text: string): void {
    const segments = segmentsOf(text);
    const before = this.count === 0 ? segments : this.folder;
    if (segments === undefined || before === undefined) {
      this.folder = undefined;
      return;
    }
    const differs = before.findIndex((segment, at) => segment !== segments[at]);
    const shared = differs === -1 ? before : before.slice(0, differs);
    // What is shared got shorter: the folder that it is now was none of those seen before.
    if (shared.length < before.length) this.folderItself = shared.length === segments.length;
    else this.folderItself ||= shared.length === segments.length;
    this.folder = shared;
  }
}

function grown(
  set: Set<string> | undefined,
  value: string | undefined,
  most: number,
): Set<string> | undefined {
  if (set === undefined || value === undefined) return undefined;
  set.add(value);
  return set.size > most ? undefined : set;
}

function lengthOf(text: string): number {
  let length = 0;
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) length++;
  return length;
}

/** The segments of an absolute path; undefined for any other text, and for one that goes up again. */
function segmentsOf(text: string): readonly string[] | undefined {
  if (!text.startsWith('/') || text.startsWith('//') || text.includes('..') || text.length > 4_096)
    return undefined;
  const segments = text.slice(1).split('/');
  return segments.at(-1) === '' ? segments.slice(0, -1) : segments;
}

/** One address, written so that it can be nothing else. */
function domainOf(text: string): string | undefined {
  return /^[^@\s,;<>"]{1,64}@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})$/.exec(text)?.[1];
}

function originOf(text: string): string | undefined {
  if (text.length > longestUrl) return undefined;
  return /^(https?:\/\/[A-Za-z0-9.-]{1,253}(?::\d{1,5})?)(?:[/?#]|$)/.exec(text)?.[1];
}
