import { isJsonObject, type Json } from '../../call/json.ts';
import type { RefuseToken } from '../tokens/token-fault.ts';

/** Somebody or something that a security event names. */
export interface NamedSubject {
  /** Absent of one that has an id alone: then it is one of the transmitter's own. */
  readonly issuer?: string;
  readonly id: string;
}

/** Whom a security event is about (RFC 9493 §3, OpenID SSF 1.0 §3). */
export type EventSubject =
  | { readonly kind: 'simple'; readonly named: NamedSubject }
  | {
      readonly kind: 'complex';
      readonly user?: NamedSubject;
      readonly session?: NamedSubject;
      readonly device?: NamedSubject;
      /** What narrows it further and is not known here, such as one application: it is about less than what is named above. */
      readonly isNarrower: boolean;
    };

/** Of one text: it goes into the log, and into what every call is compared with. */
const maxText = 512;

/** Whose it all is: the issuer is known to say that of its own people. */
const withoutWeight: ReadonlySet<string> = new Set(['format', 'tenant', 'user', 'session', 'device']);

/**
 * Reads `sub_id`. Only who has an issuer and a subject, or an id of the transmitter's, can be found among the people and devices of
 * calls. Refused are an e-mail address, an account or a telephone number, as they are no names of ours; `aliases`, as one could be
 * somebody else's; and a token's id, as nobody keeps those.
 */
export function readEventSubject(subject: Json | undefined, refuse: RefuseToken): EventSubject {
  if (!isJsonObject(subject)) throw refuse('CLAIMS_INVALID', 'does not say in “sub_id” whom it is about');
  if (subject['format'] !== 'complex') return { kind: 'simple', named: readNamed(subject, refuse) };
  const part = (name: string): { readonly [name: string]: NamedSubject } =>
    subject[name] === undefined ? {} : { [name]: readNamed(subject[name], refuse) };
  return {
    kind: 'complex',
    ...part('user'),
    ...part('session'),
    ...part('device'),
    isNarrower: Object.keys(subject).some((name) => !withoutWeight.has(name)),
  };
}

function readNamed(subject: Json, refuse: RefuseToken): NamedSubject {
  if (isJsonObject(subject)) {
    const { format, iss, sub, id } = subject;
    if (format === 'iss_sub' && isName(iss) && isName(sub)) return { issuer: iss, id: sub };
    if (format === 'opaque' && isName(id)) return { id };
  }
  throw refuse('CLAIMS_INVALID', 'names whom it is about in a way that nobody here is known by');
}

function isName(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxText;
}
