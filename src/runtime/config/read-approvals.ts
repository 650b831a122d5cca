import { z } from 'zod';
import { approvalsSchema } from './approvals-schema.ts';
import { readSections, type ConfigSource } from './read.ts';

const sections = z.strictObject({ approvals: approvalsSchema.optional() });

/** Where people approve with a passkey; what else is in a configuration is not looked at. Throws CONFIG_INVALID with `name:line:column`. */
export function readApprovals(source: ConfigSource): z.output<typeof approvalsSchema> | undefined {
  return readSections(sections, ['approvals'], source).approvals;
}
