/** A registered path, and what a request's path is under it: segments `:word` stand for any one segment. */
import { ToolError } from '../../call/tool-error.ts';

/** What the words stand for, decoded. */
export type PathParams = Readonly<Record<string, string>>;

const NO_PARAMS: PathParams = Object.freeze({});

export class PathPattern {
  /** What stands before the first word; without words, the path. */
  readonly #first: string;
  readonly #words: readonly string[];
  /** What stands behind each word. */
  readonly #behind: readonly string[];

  /** @param path as it is registered: `/tools/:name/stream`. */
  constructor(path: string) {
    const [first = '', ...rest] = path.split('/:');
    this.#first = rest.length === 0 ? first : `${first}/`;
    this.#words = rest.map((text) => /^\w*/.exec(text)?.[0] ?? '');
    this.#behind = rest.map(
      (text, at) => text.slice(this.#words[at]?.length) + (at < rest.length - 1 ? '/' : ''),
    );
  }

  /** Whether a request's path, without its query, is this one. */
  fits(path: string): boolean {
    return this.#segmentsOf(path) !== undefined;
  }

  /**
   * @param path of a request, without its query.
   * @returns undefined: it is another path.
   * @throws {ToolError} invalid_request when it is this one, and no valid percent-encoding.
   */
  match(path: string): PathParams | undefined {
    const segments = this.#segmentsOf(path);
    return segments && path.includes('%') ? decoded(segments) : segments;
  }

  #segmentsOf(path: string): PathParams | undefined {
    if (this.#words.length === 0) return path === this.#first ? NO_PARAMS : undefined;
    if (!path.startsWith(this.#first)) return undefined;
    const segments: Record<string, string> = {};
    let at = this.#first.length;
    for (let place = 0; place < this.#words.length; place++) {
      const slash = path.indexOf('/', at);
      const end = slash < 0 ? path.length : slash;
      const behind = this.#behind[place] ?? '';
      if (end === at || !path.startsWith(behind, end)) return undefined;
      segments[this.#words[place] ?? ''] = path.slice(at, end);
      at = end + behind.length;
    }
    return at === path.length ? segments : undefined;
  }
}

function decoded(segments: PathParams): PathParams {
  try {
    return Object.fromEntries(
      Object.entries(segments).map(([word, text]) => [word, decodeURIComponent(text)]),
    );
  } catch {
    throw new ToolError('invalid_request', 'the path is not valid percent-encoding');
  }
}
