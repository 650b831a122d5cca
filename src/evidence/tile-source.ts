/** An exported log, read file by file: from a folder, over HTTP, from memory. */
export interface TileSource {
  /**
   * The bytes at a path of the tree (`checkpoint`, `tile/0/000`); undefined when there is no such file. Rejects with
   * EXPORT_UNREADABLE when that cannot be told, or the file is longer than `most` bytes.
   */
  read(path: string, most: number): Promise<Uint8Array | undefined>;
}

/** Where an export is written. */
export interface TileSink extends TileSource {
  /** Whole or not at all, also when the machine stops in between; replaces what is there. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes the partial tiles `<path>.p/…`, if there are any. */
  removePartials(path: string): Promise<void>;
}

/** Longest files that are read. A full bundle has 256 entries of at most 64 KiB, or statements of at most 1 MiB. */
export const fileLimits = {
  checkpoint: 64 * 1024,
  trustRoot: 1024 * 1024,
  tile: 8 * 1024,
  entries: 256 * (2 + 65_535),
  statements: 256 * 1024 * 1024,
} as const;

export const checkpointPath = 'checkpoint';
export const trustRootPath = 'trusted_root.json';
