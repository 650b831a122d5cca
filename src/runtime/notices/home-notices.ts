import { readFileSync } from 'node:fs';
import type { HomeSettings } from '../home/home-config.ts';
import type { Home } from '../home/open-home.ts';
import { gateSpiffeId } from '../keys/gate-certificate.ts';
import type { Recipient } from './deliver.ts';

/** A URI of the gate of a home: who tells. */
export function noticeSource({ config }: Pick<Home, 'config'>): string {
  return gateSpiffeId(config);
}

/** Who is told, by the home's `countersign.yaml`. Where that says nothing of it, it costs nothing. Rejects with CONFIG_INVALID. */
export async function homeRecipients(
  { notifies }: HomeSettings,
  { layout }: Pick<Home, 'layout'>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Readonly<Record<string, Recipient>>> {
  if (notifies !== true) return {};
  const { readNotify } = await import('../config/read-notify.ts');
  return readNotify({ name: layout.settings, text: readFileSync(layout.settings, 'utf8'), env });
}
