/** Serves the conformance fixtures without keys, for running public suites by hand: prints the URL, ends on SIGTERM. */
import { startMcp } from './start-mcp.ts';

const { url } = await startMcp({ modules: ['conformance'], auth: false });
console.log(url);
