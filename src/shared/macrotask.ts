/** Lets the events that have arrived be handled: messages, and with them aborts. */

/** Resolves in a task of its own. */
export function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
