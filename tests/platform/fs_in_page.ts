/**
 * What tests use of `node:fs`, in a page: files come from the server that serves the tests.
 *
 * @module
 */

/**
 * The text of a file next to a test.
 *
 * @throws {Error} If there is no such file.
 */
export function readFileSync(url: URL, _encoding: "utf8"): string {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.send();
  if (request.status !== 200) throw new Error(`Cannot read ${url}: the server answers ${request.status}`);
  return request.responseText;
}
