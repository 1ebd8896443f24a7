/** Tells videos among a user's files, without their library. */

/** Whether a file says that it is a video, by its type or its name. Its bytes are not read. */
export function isVideoFile({ name, type }: { name: string; type: string }): boolean {
  return type.startsWith("video/") || (type === "" && /\.(mp4|m4v|mov|webm|mkv)$/i.test(name));
}
