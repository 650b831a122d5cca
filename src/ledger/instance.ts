/**
 * One running gate process, as permits and sessions name it. It holds a lock that ends with the process and with nothing less:
 * a heartbeat alone could not tell a dead one from one that is stopped.
 */
export interface Instance {
  readonly id: string;
  /**
   * False once somebody may have taken this process for dead and settled its calls, or while it cannot be known. Cheap enough
   * for every call.
   */
  stillMine(): boolean;
  release(): void | Promise<void>;
}

/** An instance whose lock is a file: given back at once. */
export interface LocalInstance extends Instance {
  release(): void;
}
