import { countersignWorker } from '../../../src/runtime/worker.ts';

/** A Worker that believes people, devices and events; what they are of is bound by the test. */

const configuration = `
version: 1
publicUrl: https://gate.example
policies: [policy.yaml]
identity:
  audience: https://gate.test
  humans:
    - { issuer: 'https://idp.test/realms/plant', keys: { url: 'https://idp.test/jwks' }, algorithms: [ES256] }
  certificates:
    devices: [{ authority: '\${env:DEVICES}', id: subject-cn }]
  events:
    - { issuer: 'https://idp.test/realms/plant', keys: { url: 'https://idp.test/jwks' }, algorithms: [ES256] }
actions:
  move:
    parameters: { type: object }
    request: { url: 'https://machine.example/move' }
  from-device:
    parameters: { type: object }
    request: { url: 'https://machine.example/move' }
`;

const policy = `
version: 1
name: plant
rules:
  - { id: operators, effect: allow, tools: ['actions/move'], when: '"ot.operator" in human.roles' }
  - { id: managed, effect: allow, tools: ['actions/from-device'], when: 'device.trust == "managed"' }
`;

const { worker, Log } = countersignWorker({ configuration, policies: { 'policy.yaml': policy } });

export { worker as default, Log };
