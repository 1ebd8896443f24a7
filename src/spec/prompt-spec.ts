/** Prompt formats for checkpoints without a chat template. Types only. */

/** A plain conversation format: `${system} USER: ... ASSISTANT: ...`, with the words as data. */
export interface PromptFormat {
  /** Written before the first message, unless the conversation has a system message. */
  system: string;
  /** Written before a user's message. */
  user: string;
  /** Written before an answer. */
  answer: string;
}

/**
 * The prompt of a model without turns: all pictures, the begin token, all texts, and `closing`. Each message's text is
 * on a line of its own.
 */
export interface QueryFormat {
  closing: string;
  /** The model's processor reads no picture marks in the text, and writes `closing` after pictures only. */
  unmarked?: true;
}

/**
 * Turns as lines of one text, with pictures where they stand: "User: What is this?<end>\nAssistant:". Spaces around each
 * part of a message are left out.
 */
export interface TranscriptFormat {
  /** Begins the line of a user. A single message that begins with it is a transcript that the caller wrote. */
  speaker: string;
  /** Begins the line of an answer. */
  answerer: string;
  /** The token that ends every turn, where the model has one. */
  end?: string;
  /** Stands before and after pictures; between two of them once. */
  around: string;
}
