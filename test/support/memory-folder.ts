/** A folder in memory that a copy of a model is written to. */
import type { FolderSink } from "../../src/weights/formats/packed/write-safetensors.ts";

/** A folder, and its files by name once they are closed. */
export function memoryFolder(): { sink: FolderSink; files: Record<string, Uint8Array> } {
  const files: Record<string, Uint8Array> = {};
  const sink: FolderSink = {
    async create(name) {
      let bytes = new Uint8Array(0);
      return {
        async write(position, piece) {
          const end = position + piece.byteLength;
          if (end > bytes.byteLength) {
            const longer = new Uint8Array(end);
            longer.set(bytes);
            bytes = longer;
          }
          bytes.set(piece, position);
        },
        async close() {
          files[name] = bytes;
        },
      };
    },
    async rename(from, to) {
      files[to] = files[from]!;
      delete files[from];
    },
  };
  return { sink, files };
}
