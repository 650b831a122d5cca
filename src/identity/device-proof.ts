import { CountersignError } from '../errors.ts';
import type { KeyHolder } from './agent-proof.ts';
import { attribute } from './attribute.ts';
import type { CertificateHolder, VerifiedCertificate } from './possession/possession.ts';
import type { Attribute, Device } from './principal.ts';
import type { ClaimedDevice } from './tokens/read-claims.ts';
import type { VerifiedToken } from './tokens/token-verifier.ts';

/** What says which device calls. */
export interface DeviceProofs {
  readonly certificate?: VerifiedCertificate | undefined;
  readonly token?: VerifiedToken<ClaimedDevice> | undefined;
}

/**
 * The one device that certificate and posture token agree on, if it is of the key's tenant; undefined when neither speaks of any.
 * Where both do, its trust is the token's: that tells how the device is now, and a certificate how it was when it was certified.
 *
 * @throws CountersignError `DEVICE_TENANT_REFUSED`, `DEVICE_TOKEN_SUBJECT_REFUSED`
 */
export function provenDevice(
  { record }: KeyHolder,
  { certificate, token }: DeviceProofs,
  now: number,
): Attribute<Device> | undefined {
  const certified = certificate && deviceOf(certificate.holder);
  for (const device of [certified, token?.value])
    if (device && device.tenant !== record.tenant) throw refused('DEVICE_TENANT_REFUSED');
  if (certified && token && certified.id !== token.value.id) throw refused('DEVICE_TOKEN_SUBJECT_REFUSED');
  if (token) return attribute(stated(token.value), 'posture-token', now);
  return certified && attribute(stated(certified), 'certificate', now);
}

function deviceOf(holder: CertificateHolder): ClaimedDevice | undefined {
  return holder.kind === 'device' ? holder : undefined;
}

function stated({ id, trust }: ClaimedDevice): Device {
  return { id, trust };
}

const refusals = {
  DEVICE_TENANT_REFUSED: 'The device belongs to another tenant than the API key.',
  DEVICE_TOKEN_SUBJECT_REFUSED:
    'The device’s token is of another device than the certificate of the connection.',
} as const;

function refused(code: keyof typeof refusals): CountersignError {
  return new CountersignError(code, refusals[code]);
}
