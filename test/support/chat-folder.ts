/** The chat model of chat-files.ts as a folder, for servers. Node only. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chatFiles } from "./chat-files.ts";

/** Writes the files; `remove` deletes them. */
export async function writeChatFolder(): Promise<{ folder: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "fovea-chat-"));
  for (const [name, bytes] of Object.entries(await chatFiles())) writeFileSync(join(folder, name), bytes as Uint8Array);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
