/** An inclusion proof of one leaf in the tree that `checkpoint` heads (RFC 6962 §2.1.1). */
export interface InclusionProof {
  readonly logIndex: number;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  readonly hashes: readonly Uint8Array[];
  /** The signed note (C2SP tlog-checkpoint), text. */
  readonly checkpoint: string;
}

/** A tree head as somebody shows it: size and root are those that `checkpoint`, a signed note's text, states. */
export interface SignedHead {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  readonly checkpoint: string;
}

/** That one tree begins with another (RFC 6962 §2.1.2). */
export interface ConsistencyProof {
  readonly oldSize: number;
  readonly newSize: number;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  readonly hashes: readonly Uint8Array[];
}
