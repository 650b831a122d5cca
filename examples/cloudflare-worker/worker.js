import { countersignWorker } from 'countersign/worker';
import configuration from './countersign.yaml';
import policy from './policy.yaml';

const { worker, Log } = countersignWorker({
  configuration,
  policies: { 'policy.yaml': policy },
  report: (line) => console.error(line),
});

export { worker as default, Log };
