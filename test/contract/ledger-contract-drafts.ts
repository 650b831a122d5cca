import { describe, expect, it } from 'vitest';
import type { EntryDraft, OpenPermit } from '../../src/ledger/ledger.ts';
import { allowOf, draftOf, noon, outcomeOf, randomCallId } from '../ledger/drafts.ts';
import { refusalOf, settled } from '../ledger/settled.ts';
import type { LedgerBench } from './ledger-bench.ts';

/** What a draft may change, and when it is refused. */
export function describeDrafts(bench: () => LedgerBench): void {
  describe('heads', () => {
    it('are compared and swapped: who read an old value loses', async () => {
      const ledger = await bench().open();
      await ledger.append(
        draftOf({ expects: [{ key: 'epoch', value: null }], sets: [{ key: 'epoch', value: '1' }] }),
      );
      expect(await refusalOf(ledger.append(draftOf({ expects: [{ key: 'epoch', value: null }] })))).toBe(
        'LEDGER_CONFLICT',
      );
      expect(await refusalOf(ledger.append(draftOf({ expects: [{ key: 'epoch', value: '0' }] })))).toBe(
        'LEDGER_CONFLICT',
      );
      await ledger.append(
        draftOf({ expects: [{ key: 'epoch', value: '1' }], sets: [{ key: 'epoch', value: '2' }] }),
      );
      expect(await ledger.heads(['epoch', 'none'])).toEqual(new Map([['epoch', '2']]));
      expect((await ledger.checkpoint())?.size).toBe(2);
    });

    it('let a draft build on one before it in the same batch, and fail with it', async () => {
      const ledger = await bench().open();
      const step = (
        from: string | null,
        to: string | null,
        other: readonly { key: string; value: string }[] = [],
      ): EntryDraft =>
        draftOf({ expects: [{ key: 's', value: from }, ...other], sets: [{ key: 's', value: to }] });
      const held = await settled(
        [step(null, '1'), step('1', '2'), step('2', '3')].map((draft) => ledger.append(draft)),
      );
      expect(held.every((result) => typeof result !== 'string')).toBe(true);
      const failed = await settled(
        [
          step('3', '4'),
          step('4', '5', [{ key: 'epoch', value: 'never' }]),
          step('5', '6'),
          step('4', '4b'),
          draftOf(),
        ].map((draft) => ledger.append(draft)),
      );
      expect(failed.map((result) => (typeof result === 'string' ? result : result.logIndex))).toEqual([
        3,
        'LEDGER_CONFLICT',
        'LEDGER_CONFLICT',
        4,
        5,
      ]);
      expect(await ledger.heads(['s'])).toEqual(new Map([['s', '4b']]));
    });

    it('are gone when they are set to null, within a batch as well', async () => {
      const ledger = await bench().open();
      const set = (value: string | null, expected: string | null): EntryDraft =>
        draftOf({ expects: [{ key: 'k', value: expected }], sets: [{ key: 'k', value }] });
      await Promise.all([
        ledger.append(set('a', null)),
        ledger.append(set(null, 'a')),
        ledger.append(set('b', null)),
      ]);
      expect(await ledger.heads(['k'])).toEqual(new Map([['k', 'b']]));
      await ledger.append(set(null, 'b'));
      expect(await ledger.heads(['k'])).toEqual(new Map());
    });

    it('are found by prefix, and only by the whole prefix', async () => {
      const ledger = await bench().open();
      const keys = [
        'tool/a',
        'tool/a/',
        'tool/a/x',
        'tool/a/\u{10ffff}',
        'tool/a/é',
        'tool/a0',
        'tool/A/x',
        'tool/%/x',
      ];
      await ledger.append(draftOf({ sets: keys.map((key) => ({ key, value: key })) }));
      const found = async (prefix: string): Promise<string[]> =>
        [...(await ledger.headsUnder(prefix)).keys()].sort();
      expect(await found('tool/a/')).toEqual(['tool/a/', 'tool/a/x', 'tool/a/é', 'tool/a/\u{10ffff}'].sort());
      expect(await found('tool/%')).toEqual(['tool/%/x']);
      expect((await found('')).length).toBe(keys.length);
      expect(await found('zzz')).toEqual([]);
    });
  });

  describe('permits', () => {
    it('are open from the verdict to the outcome, and belong to an instance', async () => {
      const ledger = await bench().open();
      const callId = randomCallId();
      await ledger.append(draftOf());
      await ledger.append(allowOf(callId));
      const permit: OpenPermit = { callId, instance: 'gate-1', notAfter: noon + 60_000, logIndex: 1 };
      expect(await ledger.openPermits()).toEqual([permit]);
      await ledger.append(outcomeOf(callId));
      expect(await ledger.openPermits()).toEqual([]);
    });

    it('close once, also when two outcomes come in one batch', async () => {
      const ledger = await bench().open();
      const callId = randomCallId();
      await ledger.append(allowOf(callId));
      const [first, second] = await settled([
        ledger.append(outcomeOf(callId)),
        ledger.append(outcomeOf(callId)),
      ]);
      expect(first).toMatchObject({ logIndex: 1 });
      expect(second).toBe('PERMIT_INVALID');
      expect(await refusalOf(ledger.append(outcomeOf(callId)))).toBe('PERMIT_INVALID');
    });

    it('may open and close within one batch', async () => {
      const ledger = await bench().open();
      const callId = randomCallId();
      await Promise.all([ledger.append(allowOf(callId)), ledger.append(outcomeOf(callId))]);
      expect(await ledger.openPermits()).toEqual([]);
      expect((await ledger.entriesOfCall(callId)).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
    });

    it('never open twice: a call has one verdict', async () => {
      const ledger = await bench().open();
      const [a, b] = [randomCallId(), randomCallId()];
      const results = await settled([
        ledger.append(allowOf(a)),
        ledger.append(allowOf(a)),
        ledger.append(draftOf({ kind: 'deny', callId: b })),
        ledger.append(allowOf(b)),
      ]);
      expect(results.map((result) => typeof result === 'string' && result)).toEqual([
        false,
        'PERMIT_INVALID',
        false,
        'PERMIT_INVALID',
      ]);
      await ledger.append(outcomeOf(a));
      expect(await refusalOf(ledger.append(allowOf(a)))).toBe('PERMIT_INVALID');
      expect(await refusalOf(ledger.append(draftOf({ kind: 'deny', callId: a })))).toBe('PERMIT_INVALID');
      expect((await ledger.checkpoint())?.size).toBe(3);
    });

    it('open with a verdict that lets run and close with an outcome, and with nothing else', async () => {
      const ledger = await bench().open();
      const permit = { action: 'open', instance: 'gate-1', notAfter: noon } as const;
      const callId = randomCallId();
      const results = await settled([
        ledger.append(draftOf({ kind: 'deny', callId, permit })),
        ledger.append(draftOf({ kind: 'outcome', callId })),
        ledger.append(draftOf({ kind: 'change', callId, permit: { action: 'close' } })),
        ledger.append(outcomeOf(callId)),
      ]);
      expect(results).toEqual(Array(4).fill('PERMIT_INVALID'));
      expect(await ledger.checkpoint()).toBeNull();
    });
  });

  describe('clocks', () => {
    it('may lie behind the bench().log by the tolerance, and by no more', async () => {
      const ledger = await bench().open({ clockTolerance: 1_000 });
      await ledger.append(draftOf({ time: noon }));
      await ledger.append(draftOf({ time: noon - 1_000 }));
      expect(await refusalOf(ledger.append(draftOf({ time: noon - 1_001 })))).toBe('CLOCK_BEHIND');
      await ledger.append(draftOf({ time: noon + 5_000 }));
      expect(await refusalOf(ledger.append(draftOf({ time: noon + 3_999 })))).toBe('CLOCK_BEHIND');
      expect((await ledger.checkpoint())?.size).toBe(3);
    });

    it('are compared with drafts of the same batch and by the next to open the log', async () => {
      const ledger = await bench().open();
      const [, second] = await settled([
        ledger.append(draftOf({ time: noon })),
        ledger.append(draftOf({ time: noon - 5_001 })),
      ]);
      expect(second).toBe('CLOCK_BEHIND');
      expect(await refusalOf((await bench().open()).append(draftOf({ time: noon - 5_001 })))).toBe(
        'CLOCK_BEHIND',
      );
    });
  });

  describe('what is kept with an entry', () => {
    it('comes back as it was, side rows of verdict and outcome in order', async () => {
      const ledger = await bench().open();
      const callId = randomCallId();
      const salt = Uint8Array.of(1, 2, 3);
      const verdict = allowOf(callId, {
        side: [
          { name: 'params', salt, value: Uint8Array.of(0, 255) },
          { name: 'action', salt, value: new Uint8Array() },
          { name: 'arguments/path', salt },
        ],
      });
      const outcome = outcomeOf(callId, {
        side: [{ name: 'result', salt, value: new Uint8Array(100_000).fill(7) }],
      });
      await ledger.append(verdict);
      await ledger.append(draftOf({ callId: randomCallId(), side: [{ name: 'params', salt }] }));
      await ledger.append(outcome);
      expect(await ledger.side(callId)).toEqual([...verdict.side, ...outcome.side]);
      expect(await ledger.side(randomCallId())).toEqual([]);
      const { kind, payload, timestamp, leaf } = verdict.signed;
      expect((await ledger.entriesOfCall(callId))[0]).toEqual({
        index: 0,
        kind,
        callId,
        time: noon,
        payload,
        timestamp,
        leaf,
      });
    });

    it('is not there for a draft that was refused', async () => {
      const ledger = await bench().open();
      const callId = randomCallId();
      const refused = allowOf(callId, {
        expects: [{ key: 'epoch', value: 'never' }],
        sets: [{ key: 'k', value: 'v' }],
        side: [{ name: 'params', salt: Uint8Array.of(1) }],
      });
      const [, , refusal] = await settled([
        ledger.append(draftOf()),
        ledger.append(draftOf()),
        ledger.append(refused),
      ]);
      expect(refusal).toBe('LEDGER_CONFLICT');
      expect(await ledger.side(callId)).toEqual([]);
      expect(await ledger.entriesOfCall(callId)).toEqual([]);
      expect(await ledger.heads(['k'])).toEqual(new Map());
      expect(await ledger.openPermits()).toEqual([]);
      expect((await ledger.checkpoint())?.size).toBe(2);
    });

    it('are the definitions of tools, each once, the one seen last at the end', async () => {
      const ledger = await bench().open();
      const record = (tool: string, sha256: string, server = 'files') => ({
        server,
        serverDigest: 'd',
        tool,
        sha256,
        definition: Uint8Array.of(1),
      });
      await ledger.rememberTools([record('read', '1'), record('write', '1'), record('read', '2')]);
      await ledger.rememberTools([record('read', '1'), record('x', '1', 'mail')]);
      const names = (await ledger.tools('files')).map(({ tool, sha256 }) => tool + sha256);
      expect(names).toEqual(['write1', 'read2', 'read1']);
      expect((await ledger.tools()).length).toBe(4);
      expect(await ledger.tools('none')).toEqual([]);
      await ledger.rememberTools([]);
    });
  });
}
