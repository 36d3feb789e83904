/**
 * What every gateway offers of its own; a thread loads this module beside the user's.
 */
import { journeyResource, planJourneyPrompt } from './journey-resources.ts';
import { journeysTool } from './journeys.ts';
import { primesTool } from './primes.ts';

export const builtInTools = [journeysTool, primesTool];
export const builtInResources = [journeyResource];
export const builtInPrompts = [planJourneyPrompt];
