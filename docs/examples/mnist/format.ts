/**
 * Numbers and colors for people.
 *
 * @module
 */

/** `97.35 %`. */
export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** `8,000`. */
export function grouped(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `4.2 s`, `1 min 05 s`, `2 h 03 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
}

/** Puts ANSI styles around text, or leaves it plain. */
export type Paint = (text: string, style: keyof typeof STYLES) => string;

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 } as const;

/** The {@linkcode Paint} of a terminal with or without colors. */
export function painter(colors: boolean): Paint {
  return (text, style) => colors ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
}

/** Number of columns that text takes: ANSI styles take none. */
export function columnsOf(text: string): number {
  // deno-lint-ignore no-control-regex -- the escape character is what begins a style
  return text.replace(/\x1b\[[0-9;]*m/g, "").length;
}

/** Text with spaces behind it, up to `columns`. */
export function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - columnsOf(text)));
}
