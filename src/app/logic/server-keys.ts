/** Keys of servers that the user asked to keep, in the browser's database. */
import { del, get, set } from "idb-keyval";

const keyOf = (source: string) => `fovea-server-key ${source}`;

/** Keeps a key, or forgets an earlier one. Never throws: a private window keeps nothing. */
export async function keepServerKey(source: string, apiKey: string | undefined): Promise<void> {
  await (apiKey ? set(keyOf(source), apiKey) : del(keyOf(source))).catch(() => {});
}

export async function keptServerKey(source: string): Promise<string | undefined> {
  const found: unknown = await get(keyOf(source)).catch(() => undefined);
  return typeof found === "string" ? found : undefined;
}
