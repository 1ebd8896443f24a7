/** Drops of pictures, for the element and the page: files, or the address of a picture on another page. */
import { fetchPicture } from "../image/fetch-picture.ts";

/**
 * True if a drag carries files or an address. The browser would leave the page and open them. Dragged text is left to the
 * browser.
 */
export function isTaken(data: DataTransfer | null): data is DataTransfer {
  return data !== null && ["Files", "text/uri-list"].some((type) => data.types.includes(type));
}

/**
 * The dropped files; for an address the picture there, if its server lets this page read it. Throws like `fetchPicture`.
 * The drop's data is read at once, because it is gone later.
 */
export async function droppedFiles(data: DataTransfer): Promise<File[]> {
  const files = [...data.files];
  const lines = data.getData("text/uri-list").split(/\r?\n/);
  const address = lines.find((line) => line !== "" && !line.startsWith("#"));
  if (files.length > 0 || !address) return files;
  const { name, blob } = await fetchPicture(address, undefined);
  return [new File([blob], name.split("/").at(-1) || name, { type: blob.type })];
}
