/** Content negotiation: which of the offered media types an Accept header likes best. */

/** Something that is offered under a media type. */
export interface Offer {
  readonly mediaType: string;
}

/**
 * @param offers in the server's own order of preference, which decides ties.
 * @returns the best offer; undefined when the header accepts none.
 */
export function negotiate<T extends Offer>(
  accept: string | undefined,
  offers: readonly [T, ...T[]],
): T | undefined {
  if (!accept?.trim() || accept === '*/*' || accept === offers[0].mediaType) return offers[0];
  const ranges = accept.split(',').map(parseRange);
  let best: T | undefined;
  let bestQuality = 0;
  for (const offer of offers) {
    const quality = qualityOf(offer.mediaType, ranges);
    if (quality > bestQuality) {
      best = offer;
      bestQuality = quality;
    }
  }
  return best;
}

interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** The quality of the most specific range that fits. */
function qualityOf(mediaType: string, ranges: readonly MediaRange[]): number {
  for (const fit of [mediaType, `${mediaType.slice(0, mediaType.indexOf('/'))}/*`, '*/*']) {
    const range = ranges.find(({ type }) => type === fit);
    if (range) return range.quality;
  }
  return 0;
}
