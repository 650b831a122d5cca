import fc from 'fast-check';
import type { OutputLabel, ToolLabel } from '../../../src/policy/policy.ts';

export const untrusted: OutputLabel = { trusted: false, sensitive: false };
export const trusted: OutputLabel = { trusted: true, sensitive: false };
export const sensitive: OutputLabel = { trusted: false, sensitive: true };

/** A label whose fields are written as in a pack. */
export function labelled(
  format: ToolLabel['format'],
  whole: OutputLabel,
  fields: Readonly<Record<string, OutputLabel>> = {},
): ToolLabel {
  return {
    ...whole,
    format,
    fields: Object.entries(fields).map(([path, label]) => ({ path: path.split('/').slice(1), label })),
  };
}

export function textResult(text: string): { content: { type: string; text: string }[] } {
  return { content: [{ type: 'text', text }] };
}

/** Any text: halves of pairs, marks and control characters among it. */
export const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff })), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units));
