/** Models of tests as folders, for servers and commands. Node only. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelFiles } from "../../src/api.ts";
import { chatFiles } from "./chat-files.ts";

export interface WrittenFolder {
  folder: string;
  /** Deletes it. */
  remove: () => void;
}

/** Writes files into a new temporary folder; the caller calls `remove`. */
export function writeFolder(files: ModelFiles): WrittenFolder {
  const folder = mkdtempSync(join(tmpdir(), "fovea-model-"));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes as Uint8Array);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The chat model of chat-files.ts. */
export async function writeChatFolder(): Promise<WrittenFolder> {
  return writeFolder(await chatFiles());
}
