import type { ObjectStorage } from '../../ledger/store-durable-object-sql.ts';

/**
 * The platform's interfaces, as much of them as is used (https://developers.cloudflare.com/workers/). Its own types cannot be
 * loaded beside those of Node, whose globals they declare again.
 */

export interface ObjectId {
  equals(other: ObjectId): boolean;
  toString(): string;
}

export interface ObjectNamespace {
  idFromName(name: string): ObjectId;
  get(id: ObjectId): { fetch(request: Request): Promise<Response> };
}

export interface ObjectState {
  readonly id: ObjectId;
  readonly storage: ObjectStorage & {
    /** One alarm an object; setting it replaces the one that was set. Wall milliseconds. */
    setAlarm(time: number): Promise<void>;
  };
}

export interface BucketObject {
  /** Changes with the content. */
  readonly etag: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export interface Bucket {
  get(key: string): Promise<BucketObject | null>;
  /** Null when the condition does not hold: then nothing was written. */
  put(
    key: string,
    value: Uint8Array,
    options: { readonly onlyIf?: { readonly etagMatches?: string; readonly etagDoesNotMatch?: string } },
  ): Promise<Pick<BucketObject, 'etag'> | null>;
  /** A thousand at most. */
  list(options: {
    readonly prefix: string;
  }): Promise<{ readonly objects: readonly { readonly key: string }[] }>;
  delete(keys: string[]): Promise<void>;
}

/** The bindings of `wrangler.toml`. Secrets and variables stand beside them, by name. */
export interface Bindings {
  readonly LOG: ObjectNamespace;
  readonly TILES: Bucket;
  readonly [name: string]: unknown;
}
