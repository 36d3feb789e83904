/** Texts that are for people, within a size: a message of hundreds of megabytes would hold up everybody's. */

import { ownMethod } from './intrinsics/captured.ts';

const MOST = 64 * 1024;
const slice = ownMethod<(text: string, from: number, to: number) => string>(String.prototype.slice);

/** The text, or its beginning. */
export const bounded = (text: string): string =>
  text.length <= MOST ? text : `${slice(text, 0, MOST)}… (${text.length} characters)`;
