import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { KeyEventFacts } from '../../envelope/facts.ts';
import { keyEvent } from '../../envelope/statements.ts';
import { CountersignError } from '../../errors.ts';
import { notarise } from '../../gate/notary.ts';
import type { NotaryParts } from '../../gate/parts.ts';
import type { EntryDraft } from '../../ledger/ledger.ts';
import type { HomeLayout } from '../home/home-layout.ts';

/** What happened to a key, before the log states it. */
export type KeyEvent = Omit<KeyEventFacts, 'occurredAt' | 'mode'>;

/** The entry that states it. It states the time at which it is signed: after a crash that is later than the change. */
export async function draftKeyEvent(notary: NotaryParts, event: KeyEvent): Promise<EntryDraft> {
  const time = notary.clock.now();
  const statement = keyEvent({ ...event, occurredAt: time, mode: 'same-user' });
  const { signed } = await notarise(notary, 'keyEvent', statement, time);
  const key = `key-event/${event.event}/${event.keyId}`;
  return { signed, time, expects: [{ key, value: null }], sets: [{ key, value: 'logged' }], side: [] };
}

/**
 * Tells the log of a change of keys that it does not know yet: the end of every rotation, and of one that a crash interrupted, by
 * whoever opens the home next.
 */
export async function announceKeyEvent(layout: HomeLayout, notary: NotaryParts): Promise<void> {
  if (!existsSync(layout.keyEvent)) return;
  const event = readEvent(layout.keyEvent);
  try {
    await notary.ledger.append(await draftKeyEvent(notary, event));
  } catch (error) {
    // Another process told it at the same time.
    if (!(error instanceof CountersignError) || error.code !== 'LEDGER_CONFLICT') throw error;
  }
  rmSync(layout.keyEvent, { force: true });
}

function readEvent(path: string): KeyEvent {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as KeyEvent;
  } catch (error) {
    throw new CountersignError('HOME_INVALID', `${path} cannot be read as JSON.`, { cause: error });
  }
}
