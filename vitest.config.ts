import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that wait for programs, browsers and databases, or replay whole logs: the longest, of whatever size their text is. */
const long = /\/test\/(?:adapters\/claude-agent-sdk|conformance|e2e|examples|package|worker)\//;

/** The long ones begin first: one that began last would keep all others waiting at the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes when it comes: a loaded machine starts a process in seconds.
    expect: { poll: { timeout: 30_000 } },
    // On two cores: who waits for a process or a clock leaves room for a third; a fourth only stretches the others.
    maxWorkers: 3,
    // Rooms keep no state between files but what a file makes itself; to load them anew for each takes a quarter of the time.
    isolate: false,
    sequence: { sequencer: LongFirst },
  },
});
