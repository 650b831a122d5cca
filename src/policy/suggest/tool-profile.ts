import type { PolicyInput } from '../policy.ts';
import { MapProfile, type Room } from './value-profile.ts';

/** Names and levels that are remembered of one tool. */
const roomOfTool = 512;
const mostNames = 8;
/** Denied calls that a proposal is held against. */
export const mostDenied = 200;

/** What the calls to one tool had in common. Mutable, and bounded whatever callers send. */
export class ToolProfile {
  count = 0;
  accepted = 0;
  /** Wall milliseconds. */
  first = Infinity;
  last = -Infinity;
  readonly args = new MapProfile();
  agents: Set<string> | undefined = new Set();
  zones: Set<string> | undefined = new Set();
  trusts: Set<string> | undefined = new Set();
  /** That every person had; undefined when there was a call without one. */
  roles: readonly string[] | undefined;
  /** Inputs that a rule denied, and how many more there were. */
  readonly denied: PolicyInput[] = [];
  deniedBeyond = 0;
  readonly #room: Room = { left: roomOfTool };

  see(input: PolicyInput, time: number): void {
    const { agent, human, network, device, tool, args } = input;
    this.agents = grown(this.agents, agent['id']);
    this.zones = grown(this.zones, network?.['zone']);
    this.trusts = grown(this.trusts, device?.['trust']);
    this.roles = this.count === 0 ? rolesOf(human) : shared(this.roles, rolesOf(human));
    this.accepted += Number(tool['accepted'] === true);
    this.first = Math.min(this.first, time);
    this.last = Math.max(this.last, time);
    this.args.see(args, this.#room, 0);
    this.count += 1;
  }

  /** Without room it is counted alone. */
  seeDenied(input: PolicyInput, hasRoom: boolean): void {
    if (hasRoom && this.denied.length < mostDenied) this.denied.push(input);
    else this.deniedBeyond += 1;
  }
}

function grown(set: Set<string> | undefined, name: unknown): Set<string> | undefined {
  if (set === undefined || typeof name !== 'string') return undefined;
  set.add(name);
  return set.size > mostNames ? undefined : set;
}

function rolesOf(human: PolicyInput['human']): readonly string[] | undefined {
  const roles = human?.['roles'];
  return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : undefined;
}

function shared(
  before: readonly string[] | undefined,
  roles: readonly string[] | undefined,
): readonly string[] | undefined {
  return roles && before?.filter((role) => roles.includes(role));
}
