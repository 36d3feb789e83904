/**
 * Where one is in the page, in the fragment of its address, which no server ever sees: `#/tools/NAME?args=JSON`. A link
 * fills a form; it never runs anything.
 */
import { useEffect, useState } from 'preact/hooks';
import type { Json } from './gateway.ts';

export interface Route {
  readonly view: string;
  readonly tool: string;
  /** Undefined: the link says nothing of them. */
  readonly args: Json | undefined;
}

export const linkTo = (tool: string, args?: Json): string =>
  `#/tools/${encodeURIComponent(tool)}${args === undefined ? '' : `?args=${encodeURIComponent(JSON.stringify(args))}`}`;

function parse(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#\/?/, '').split('?');
  const [view = '', tool = ''] = path.split('/');
  return { view: view || 'tools', tool: decoded(tool), args: argumentsIn(query) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function argumentsIn(query: string): Json | undefined {
  const text = new URLSearchParams(query).get('args');
  if (text === null) return undefined;
  try {
    const value: Json = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parse(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
