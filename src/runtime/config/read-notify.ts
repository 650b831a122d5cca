import { z } from 'zod';
import { notifySchema, type NotifyConfig } from './notify-schema.ts';
import { readSections, type ConfigSource } from './read.ts';

const sections = z.strictObject({ notify: notifySchema });

/** Who is told what came of calls; what else is in a configuration is not looked at. Throws CONFIG_INVALID with `name:line:column`. */
export function readNotify(source: ConfigSource): NotifyConfig {
  return readSections(sections, ['notify'], source).notify;
}
