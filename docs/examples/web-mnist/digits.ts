/**
 * The digits as one compact file: how it is written when the page is built, and read in the browser.
 *
 * Layout, before compression: two little-endian uint32 counts (digits to train with, digits to test with), then the labels of
 * both, one byte each, then their images, 784 grey levels each.
 *
 * @module
 */

/** Pixels of an image. */
export const PIXELS = 784;

/** Images with what they show. */
export interface Digits {
  /** Grey levels from 0 (paper) to 255 (ink), 784 for each digit. */
  readonly images: Uint8Array;
  /** What they show, 0 to 9. */
  readonly labels: Uint8Array;
}

/** The digits to train with and to test with. */
export interface Split {
  readonly train: Digits;
  readonly test: Digits;
}

/** A file that holds no digits. */
export class DigitsError extends Error {}

const HEADER = 8;

/** Joins digits to the bytes of a file. */
export function packDigits({ train, test }: Split): Uint8Array<ArrayBuffer> {
  const parts = [train.labels, test.labels, train.images, test.images];
  const bytes = new Uint8Array(HEADER + parts.reduce((sum, part) => sum + part.length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, train.labels.length, true);
  view.setUint32(4, test.labels.length, true);
  let at = HEADER;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Takes the bytes of a file apart. Nothing is copied.
 *
 * @throws {DigitsError} If there are more or fewer bytes than the counts say.
 */
export function unpackDigits(bytes: Uint8Array): Split {
  if (bytes.length < HEADER) throw new DigitsError(`the file has only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
  const [trained, tested] = [view.getUint32(0, true), view.getUint32(4, true)];
  const expected = HEADER + (trained + tested) * (1 + PIXELS);
  if (bytes.length !== expected) {
    throw new DigitsError(`the file must have ${expected} bytes, it has ${bytes.length}`);
  }
  let at = HEADER;
  const take = (length: number): Uint8Array => bytes.subarray(at, at += length);
  const labels = [take(trained), take(tested)] as const;
  const images = [take(trained * PIXELS), take(tested * PIXELS)] as const;
  return {
    train: { labels: labels[0], images: images[0] },
    test: { labels: labels[1], images: images[1] },
  };
}

/**
 * Fetches the file and decompresses it.
 *
 * @param onProgress Told the share that has arrived, from 0 to 1, where the server says how long the file is.
 * @throws {DigitsError} If it cannot be had or holds something else.
 */
export async function fetchDigits(url: URL, onProgress: (share: number) => void): Promise<Split> {
  const response = await fetch(url).catch((error: unknown) => {
    throw new DigitsError(`the server cannot be reached (${(error as Error).message})`);
  });
  if (!response.ok || response.body === null) {
    throw new DigitsError(`the server answers ${response.status} ${response.statusText}`.trim());
  }
  const total = Number(response.headers.get("Content-Length"));
  let arrived = 0;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        arrived += chunk.length;
        if (total > 0) onProgress(Math.min(1, arrived / total));
        controller.enqueue(chunk);
      },
    }),
  );
  const plain = counted.pipeThrough(new DecompressionStream("gzip"));
  try {
    return unpackDigits(new Uint8Array(await new Response(plain).arrayBuffer()));
  } catch (error) {
    if (error instanceof DigitsError) throw error;
    throw new DigitsError(`the file is damaged (${(error as Error).message})`);
  }
}
