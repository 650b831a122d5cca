import { z } from 'zod';
import { humanSchema, loginSchema, type HumanConfig, type LoginConfig } from './acting-schema.ts';
import { withAudiences } from './audiences.ts';
import { identitySchema, type IdentityConfig } from './identity-schema.ts';
import { readSections, type ConfigSource } from './read.ts';

/** What a home's configuration says of the people that its wrapped servers act for. */
export interface ActingConfig {
  readonly identity?: IdentityConfig | undefined;
  readonly login?: LoginConfig | undefined;
  readonly human?: HumanConfig | undefined;
}

const actingSchema = z
  .strictObject({
    identity: identitySchema.optional(),
    login: loginSchema.optional(),
    human: humanSchema.optional(),
    // What the audience is where that is not told.
    publicUrl: z
      .string()
      .transform((url) => url.replace(/\/+$/, ''))
      .optional(),
  })
  .transform(withAudiences);

/** Those sections of a configuration; what else is in it is not looked at. Throws CONFIG_INVALID with `name:line:column`. */
export function readActing(source: ConfigSource): ActingConfig {
  return readSections(actingSchema, ['identity', 'login', 'human', 'publicUrl'], source);
}

/** Whom the token of a login is to be for; undefined when the issuer is not to be asked for anybody in particular. */
export function resourceOf({ login, identity }: ActingConfig): string | undefined {
  if (login?.resource === false) return undefined;
  return login?.resource ?? identity?.audience?.find((each) => URL.canParse(each) && !each.includes('#'));
}
