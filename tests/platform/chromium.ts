/**
 * Headless Chromium, as Debian installs it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { type Browser, chromium, type LaunchOptions, type Page } from "playwright";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is installed; null where it is not. */
export const chromiumPath: string | null = PATHS.find((path) => existsSync(path)) ?? null;

/** Says why tests in Chromium are skipped; null when they run. */
export const noChromium: string | null = chromiumPath === null
  ? "skipped: there is no Chromium here, apt-get install chromium"
  : null;

/** How to start it: no GPU is needed, and nothing is fetched in the background. */
export const launchOptions: LaunchOptions = {
  ...(chromiumPath === null ? {} : { executablePath: chromiumPath }),
  args: [
    "--no-sandbox",
    "--enable-unsafe-webgpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

/** Starts it. */
export function launch(): Promise<Browser> {
  return chromium.launch(launchOptions);
}

/** Collects what goes wrong in a page: uncaught errors, errors on its console, requests that fail. */
export function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  return problems;
}
