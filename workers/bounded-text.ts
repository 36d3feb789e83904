/**
 * Texts that are for people, within a size: a message of hundreds of megabytes would hold up everybody's. Halves of a
 * surrogate pair, the tool's own or those of a cut, are no text that a client can read.
 */

import { ownMethod, wellFormed } from './intrinsics/captured.ts';

const MOST = 64 * 1024;
const slice = ownMethod<(text: string, from: number, to: number) => string>(String.prototype.slice);

/** The text, or its beginning. */
export const bounded = (text: string): string =>
  text.length <= MOST ? wellFormed(text) : `${wellFormed(slice(text, 0, MOST))}… (${text.length} characters)`;
