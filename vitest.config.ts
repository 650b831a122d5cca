import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes when it comes: a loaded machine starts a process in seconds.
    expect: { poll: { timeout: 30_000 } },
    // Two cores: more workers than cores only stretch the tests that start processes.
    maxWorkers: 2,
    // Rooms keep no state between files but what a file makes itself; to load them anew for each takes a quarter of the time.
    isolate: false,
  },
});
