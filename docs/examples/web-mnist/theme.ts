/**
 * Colors of the style sheet, for what is drawn on canvases.
 *
 * @module
 */

/** A color by the name of its custom property, such as `accent`. */
export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Calls back when the colors or the pixel density change. */
export function onLookChange(redraw: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("resize", redraw);
}

/** Sizes a canvas's bitmap to the pixels that it covers. Answers a context whose units are CSS pixels. */
export function fitted(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const scale = globalThis.devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d")!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}
