/** Which server's a task is: nothing in its id says so. */
export interface TaskServers {
  /** The server announced or listed the task. One that is another server's stays that one's; then this is false. */
  note(taskId: string, server: string): boolean;
  serverOf(taskId: string): string | undefined;
}

const maxKept = 4_096;

export function createTaskServers(): TaskServers {
  const servers = new Map<string, string>();
  return {
    note(taskId, server) {
      const before = servers.get(taskId);
      if (before !== undefined) return before === server;
      servers.set(taskId, server);
      const [oldest] = servers.keys();
      if (servers.size > maxKept && oldest !== undefined) servers.delete(oldest);
      return true;
    },
    serverOf: (taskId) => servers.get(taskId),
  };
}
