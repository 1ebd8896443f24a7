/** Files with the camera's orientation. */

/** A JPEG with a first segment of EXIF, which holds only the picture's orientation. */
export function withOrientation(file: Uint8Array, orientation: number): Uint8Array<ArrayBuffer> {
  // One entry of one 16-bit number: tag 0x112.
  const tiff = [...[0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1], ...[1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]];
  const exif = [...new TextEncoder().encode("Exif\0\0"), ...tiff, 0, 0, 0, 0];
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, exif.length + 2, ...exif, ...file.subarray(2)]);
}
