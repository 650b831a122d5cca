export type { HookAnswer, HookHost } from '../../gateway/hooks/hook-host.ts';
export { hookHosts as knownHosts } from '../../gateway/hooks/hosts.ts';
