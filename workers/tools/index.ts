/**
 * The tools that every gateway offers.
 */
import { journeysTool } from './journeys.ts';
import { primesTool } from './primes.ts';

export const builtInTools = [journeysTool, primesTool];
