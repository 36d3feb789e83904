/** Content negotiation: which of the offered media types an Accept header likes best, and how well it likes a name. */

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
  const ranges = weighedList(accept);
  let best: T | undefined;
  let bestQuality = 0;
  for (const offer of offers) {
    const { mediaType } = offer;
    // The most specific range that fits.
    const fits = [mediaType, `${mediaType.slice(0, mediaType.indexOf('/'))}/*`, '*/*'];
    const quality = qualityIn(ranges, fits) ?? 0;
    if (quality > bestQuality) {
      best = offer;
      bestQuality = quality;
    }
  }
  return best;
}

/** One name of a header that weighs its names by `q`. */
export interface Weighed {
  /** In lower case. */
  readonly name: string;
  /** 0 to 1; 0 where it is no number. */
  readonly quality: number;
}

/** The names of an Accept or Accept-Encoding header. */
export const weighedList = (header: string): readonly Weighed[] => header.split(',').map(weighed);

function weighed(text: string): Weighed {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
  return { name, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** How well the first of `names` that is listed is liked; undefined where none is. */
export function qualityIn(list: readonly Weighed[], names: readonly string[]): number | undefined {
  for (const name of names) {
    const found = list.find((one) => one.name === name);
    if (found) return found.quality;
  }
  return undefined;
}
