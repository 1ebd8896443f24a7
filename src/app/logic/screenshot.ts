/** A picture of a screen, window or tab that the user chooses. */

/** Undefined if the user chooses nothing. The capture ends with the first frame. */
export async function takeScreenshot(): Promise<File | undefined> {
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia({ video: true });
  } catch {
    return undefined;
  }
  try {
    const video = document.createElement("video");
    Object.assign(video, { srcObject: stream, muted: true });
    await video.play();
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d")!.drawImage(video, 0, 0);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    return blob ? new File([blob], "Screenshot.png", { type: blob.type }) : undefined;
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}
