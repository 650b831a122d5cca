import { chmodSync, rmSync } from 'node:fs';
import { applyEdit } from '../../hosts/edit-file.ts';
import type { HookPlan } from './plan-hooks.ts';

/** Makes a change; resolves to where the former content is, if there was any that is not ours alone. */
export function applyHooks({ edit, isProgram, isGone }: HookPlan): { readonly backup: string | undefined } {
  if (isGone) {
    rmSync(edit.path, { force: true });
    return { backup: undefined };
  }
  const done = applyEdit(edit);
  if (isProgram) chmodSync(edit.path, 0o700);
  return done;
}
