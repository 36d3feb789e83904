/** The tools of hosts that are killed: a group of their own. */
import { defineTool } from '../../../lib/index.ts';
import { again, once } from './counting.ts';

export const doomedOnce = defineTool({ ...once, name: 'doomed_once' });
export const doomedAgain = defineTool({ ...again, name: 'doomed_again' });
