/**
 * Who may set the pressure? A person with the role `ot.operator`, through an agent, from a managed device in the control network.
 * One call that may, and the four tries of somebody who may not: each blocked before the controller hears of it, signed, and
 * verified with `countersign verify`.
 */
import { createDeviceManager } from './device-manager.ts';
import { startPlant, type Plant } from './plant.ts';

/** Where a request comes from. The demo plays the plant's proxy, which writes it behind what the client has written. */
const places = {
  control: '10.20.0.7',
  office: '10.30.0.12',
  /** A thief abroad, who writes an address of the plant into the header before the proxy adds the true one. */
  elsewhere: '10.20.0.7, 203.0.113.66',
};

interface Try {
  readonly title: string;
  readonly person: string;
  readonly device: string;
  readonly from: string;
  readonly value: number;
  /** The reason code of the denial, and the rule where one denied; absent where the call may run. */
  readonly refused?: string;
}

interface Answer {
  readonly _meta?: Readonly<
    Record<string, { readonly code?: string; readonly rule?: string; readonly message?: string }>
  >;
}

const plant = await startPlant();
try {
  await demo(plant);
} finally {
  await plant.close();
}

async function demo({ controller, devices, login }: Plant): Promise<void> {
  const operator = await login('ada');
  const accountant = await login('ben');
  const managed = await devices.posture('hmi-line-4');
  const impostor = await createDeviceManager('https://devices.plant.example', 'https://gate.plant.example');
  const unknown = await impostor.posture('hmi-line-4');
  const good = { person: operator, device: managed, from: places.control };

  console.log(`The pressure is ${controller.pressure()} bar.\n`);
  await attempt({ ...good, title: 'ada, an operator, from the control network', value: 42 });
  await attempt({
    ...good,
    title: 'wrong role: ben of accounting',
    person: accountant,
    value: 90,
    refused: 'RULE_DENIES operators-only',
  });
  await attempt({
    ...good,
    title: 'wrong zone: ada from the office',
    from: places.office,
    value: 91,
    refused: 'RULE_DENIES control-network-only',
  });
  await attempt({
    ...good,
    title: 'unknown device: it vouches for itself',
    device: unknown,
    value: 92,
    refused: 'DEVICE_TOKEN_SIGNATURE_INVALID',
  });
  await attempt({
    ...good,
    title: 'stolen API key, used from elsewhere',
    from: places.elsewhere,
    value: 93,
    refused: 'KEY_NETWORK_REFUSED',
  });
  expect(controller.pressure() === 42, 'the pressure must be what the one allowed call has set');
  console.log(
    `\nThe pressure is ${controller.pressure()} bar. Every verdict is signed, logged and verified: one ALLOW that ran, four DENY.`,
  );
}

async function attempt({ title, person, device, from, value, refused }: Try): Promise<void> {
  const before = plant.controller.pressure();
  const response = await fetch(`${plant.gateway}/actions/set-pressure`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${plant.apiKey}`,
      'countersign-human-token': person,
      'countersign-device-token': device,
      'x-forwarded-for': from,
    },
    body: JSON.stringify({ value }),
  });
  const text = await response.text();
  const { _meta: meta = {} } = JSON.parse(text) as Answer;
  const denial = meta['dev.countersign/denial'];
  const code = denial && [denial.code, denial.rule].filter(Boolean).join(' ');
  console.log(
    `${denial ? 'DENY ' : 'ALLOW'}  ${title}\n       ${denial ? `${code}: ${denial.message}` : `set to ${value} bar`}`,
  );

  expect(
    code === refused,
    `the verdict must be ${refused ?? 'an ALLOW'}, and is ${code ?? 'an ALLOW'}: ${text}`,
  );
  expect(
    plant.controller.pressure() === (refused === undefined ? value : before),
    'the controller must not hear of a denied call',
  );
  await plant.verify(text, refused === undefined ? 'executed' : 'deny');
  console.log(`       verified: countersign verify --expect ${refused === undefined ? 'executed' : 'deny'}`);
}

function expect(holds: boolean, rule: string): void {
  if (!holds) throw new Error(rule);
}
