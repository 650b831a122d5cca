import { defineConfig } from 'vitest/config';

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
  },
});
