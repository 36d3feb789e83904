/** Texts that are for people, within a size: a message of hundreds of megabytes would hold up everybody's. */

const MOST = 64 * 1024;

/** Of `String.prototype`, before any tool ran. */
const slice = Function.prototype.call.bind(String.prototype.slice) as (
  text: string,
  from: number,
  to: number,
) => string;

/** The text, or its beginning. */
export const bounded = (text: string): string =>
  text.length <= MOST ? text : `${slice(text, 0, MOST)}… (${text.length} characters)`;
