/**
 * What tools and prompts of all servers together are called: `SERVER__NAME`, since most hosts take letters, digits, `_` and
 * `-` alone. The name of a server is in front of each, so that no server can speak for another one.
 */
const separator = '__';

/** A longer name no client need take, and cutting it off could make it another tool's. */
const maxLength = 128;

/** The name that a client is shown; undefined when there is none that it could be. */
export function outerName(server: string, name: string): string | undefined {
  const outer = `${server}${separator}${name}`;
  return name === '' || outer.length > maxLength ? undefined : outer;
}

/** The server that a name belongs to, and what it is called there. */
export function innerName(
  outer: string,
  servers: Iterable<string>,
): { readonly server: string; readonly name: string } | undefined {
  for (const server of servers) {
    const prefix = `${server}${separator}`;
    if (outer.startsWith(prefix) && outer.length > prefix.length)
      return { server, name: outer.slice(prefix.length) };
  }
  return undefined;
}

/** Two servers of which one could list a tool under a name that is the other one's; undefined where there are none. */
export function rivals(servers: readonly string[]): readonly [string, string] | undefined {
  for (const one of servers)
    for (const other of servers)
      if (one !== other && `${other}${separator}`.startsWith(`${one}${separator}`)) return [one, other];
  return undefined;
}

/** Whether a name is of characters that nobody takes for others: no letter of another script looks like one of them. */
export function isPlain(name: string): boolean {
  return /^[\x21-\x7e]+$/.test(name);
}
