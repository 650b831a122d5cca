/**
 * Lets everything that is ready join the batch that is about to be committed: one turn of the event loop where the runtime
 * has one to offer. A microtask would be too early, since a runtime drains those after every single request that it reads;
 * a timer would be too late.
 */
export const nextTurn: () => Promise<void> =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () => Promise.resolve();
