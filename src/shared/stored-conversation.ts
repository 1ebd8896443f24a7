/** Public types about conversations on disk. */

/** The rows of a conversation on disk. */
export interface StoredConversation {
  /** As it was saved. */
  name: string;
  /** Rows of the KV cache. */
  tokens: number;
  /** Bytes on disk. */
  bytes: number;
  /** Time of the last save, as ISO 8601. */
  since: string;
}

/** Result of restoring a conversation from disk. */
export interface RestoredConversation {
  /** Rows that the KV cache has now: 0 where nothing could be used. */
  tokens: number;
  /** Why the conversation will run again, where something was stored but could not be used. */
  problem?: string;
}

export interface ConversationOptions {
  signal?: AbortSignal;
}

/** Of models on this machine. */
export interface SavesConversations {
  /** Saves the rows of the last conversation on disk; see `Fovea.saveConversation`. */
  saveConversation(name: string, options?: ConversationOptions): Promise<StoredConversation | undefined>;
  /** Reads the rows of a conversation back from disk; see `Fovea.restoreConversation`. */
  restoreConversation(name: string, options?: ConversationOptions): Promise<RestoredConversation>;
}
