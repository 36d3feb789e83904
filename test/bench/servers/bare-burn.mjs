/**
 * Contestant "bare processes": burns what its parent says and nothing else; what the machine's cores give when all of
 * them compute.
 */
import { burn } from './work.mjs';

process.on('message', (iterations) => process.send(burn(iterations)));
