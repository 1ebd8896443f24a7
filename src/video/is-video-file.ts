/** Tells videos among a user's files, without their library. */

/** True if a file's type or name is that of a video. Its bytes are not read. */
export function isVideoFile({ name, type }: { name: string; type: string }): boolean {
  return type.startsWith("video/") || (type === "" && /\.(mp4|m4v|mov|webm|mkv)$/i.test(name));
}
