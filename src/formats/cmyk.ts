/** @file Pictures in four inks, made RGB as Pillow makes them: no colour profile, each ink times the black that is left. */

/**
 * How many components a JPEG has, from its frame header; 0 where none is found.
 * Source: ITU-T T.81, annex B.
 */
export function jpegComponents(bytes: Uint8Array): number {
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) return 0;
    const marker = bytes[at + 1]!;
    // Bytes of 0xff may stand before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    // The frame headers, of which C4, C8 and CC are something else.
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return bytes[at + 9]!;
    at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
  }
  return 0;
}

/** Cyan, magenta, yellow and black (255 is full ink) to RGB. */
export function inksToRgb(inks: Uint8Array): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4, to += 3) {
    const light = 255 - inks[from + 3]!;
    for (let channel = 0; channel < 3; channel++)
      rgb[to + channel] = light - timesOver255(inks[from + channel]!, light);
  }
  return rgb;
}

/** a b / 255, rounded, in whole numbers. */
function timesOver255(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}
