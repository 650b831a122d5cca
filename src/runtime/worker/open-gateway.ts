import { CountersignError } from '../../errors.ts';
import { recover } from '../../gate/recovery.ts';
import { createRevocations } from '../../gate/revocations.ts';
import { createAuthenticator } from '../../identity/authenticate.ts';
import { changeRecorder } from '../changes.ts';
import { recordConfiguration } from '../serve/config-change.ts';
import { openApiKeys } from './api-keys.ts';
import { createApplication } from './application.ts';
import { openWorkerNotary } from './notary.ts';
import { openWorkerLog } from './open-log.ts';
import type { Bindings, ObjectState } from './platform.ts';
import { contradictions } from './public-copy.ts';
import { readSecrets } from './secrets.ts';
import { readWorkerSettings, type WorkerSources } from './settings.ts';
import { workerVersion } from './version.ts';

/** The whole gateway, in the one object that has the log. */
export interface WorkerGateway {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Requests at a time. */
  readonly maxInFlight: number;
  /** What the alarm is for: brings the public copy up to date, and sets the next alarm while there is something to wait for. */
  readonly onAlarm: () => Promise<void>;
}

/** The gate holds keys, policy and credentials that no agent's user can reach. */
const mode = 'isolated';

/** The name of the object that has the log: there is one. */
export const logObjectName = 'log';

/** Milliseconds after a commit until the public copy has it: each checkpoint that is put costs the operator a write. */
const publishAfter = 5_000;

/** An object that nobody asks is put away after a minute or two, and whoever has an outcome to report may be silent for longer. */
const stayAwakeFor = 30_000;

/** Opens everything that a call needs, or rejects: then nothing is served. */
export async function openGateway(
  state: ObjectState,
  env: Bindings,
  { report = () => undefined, ...sources }: WorkerSources,
): Promise<WorkerGateway> {
  assertTheOne(state, env);
  const secrets = readSecrets(env);
  const settings = readWorkerSettings(sources, env);
  const authenticator = createAuthenticator({
    keys: openApiKeys(state.storage, secrets.apiKeys),
    trustDomain: secrets.home.trustDomain,
    evidence: settings.evidence,
  });
  // One alarm for many commits: each that is set replaces the one before it, and under steady load none would ever ring.
  let isAlarmSet = false;
  const log = await openWorkerLog({
    state,
    bucket: env.TILES,
    secrets,
    onCommit() {
      if (isAlarmSet) return;
      isAlarmSet = true;
      void state.storage.setAlarm(Date.now() + publishAfter);
    },
  });
  const notary = await openWorkerNotary(secrets, log);
  // The platform runs one object of a name: whoever opened a permit before this start is gone.
  const instance = crypto.randomUUID();
  await recover({ ...notary, mode }, (other) => other === instance);
  const recordChange = changeRecorder(notary, mode);
  await recordConfiguration(log.ledger, recordChange, settings);

  let fenced: CountersignError | undefined;
  const application = createApplication({
    settings,
    parts: {
      ...notary,
      policy: settings.policy,
      mode,
      authenticator,
      revocations: createRevocations(log),
      instance,
      assertAlive() {
        if (fenced !== undefined) throw fenced;
      },
    },
    recordChange,
    trustedRoot: secrets.home.trustedRoot,
    version: workerVersion,
    report,
  });
  return {
    fetch: application.fetch,
    maxInFlight: settings.config.limits.inFlight,
    async onAlarm() {
      isAlarmSet = false;
      if (!(await isSettled(application.reported()))) await state.storage.setAlarm(Date.now() + stayAwakeFor);
      try {
        await log.publicCopy.publish(log.ledger);
      } catch (error) {
        if (error instanceof CountersignError && contradictions.has(error.code)) fenced = error;
        throw error;
      }
    },
  };
}

/** Whether it has resolved by now. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  const now = new Promise<'not yet'>((resolve) => setTimeout(() => resolve('not yet'), 0));
  return (await Promise.race([promise, now])) !== 'not yet';
}

/** An object of another name would begin a second history with the same key. */
function assertTheOne({ id }: ObjectState, { LOG }: Bindings): void {
  if (id.equals(LOG.idFromName(logObjectName))) return;
  throw new CountersignError('LEDGER_COPIED', 'This log is kept by one object, and this is another one.');
}
