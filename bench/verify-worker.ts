import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { loadTrust } from '../src/verify/trust.ts';
import { verifyToolResult } from '../src/verify/verify.ts';

/** Verifies answers as a caller would: every envelope, and that they belong to the answer that they came with. */
const trust = await loadTrust(readFileSync(workerData as string));

parentPort?.on('message', (answer: string) => {
  void verifyToolResult(new TextEncoder().encode(answer), trust, { expect: 'executed' }).then((report) => {
    parentPort?.postMessage(report.ok ? '' : JSON.stringify(report).slice(0, 2_000));
  });
});
