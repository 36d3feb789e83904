/**
 * Lets the conformance suites from 0.1.14 on load on Node 20: they import `globSync`, which Node has from 22 on and
 * which only a command that is not used here needs. Preloaded with `--import`.
 */
import { register } from 'node:module';

const shim = `
  export * from 'node:fs';
  import fs from 'node:fs';
  export default fs;
  export const globSync = () => { throw new Error('globSync needs Node 22'); };
`;
const hooks = `
  export async function resolve(specifier, context, next) {
    const isFs = specifier === 'fs' || specifier === 'node:fs';
    if (isFs && context.parentURL?.includes('conformance')) {
      return { url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(shim)}`)}, shortCircuit: true };
    }
    return next(specifier, context);
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
