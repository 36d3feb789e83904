/** The options of WebSockets. */
import { socketCalls } from '../rendering/options.ts';

export const websocketOptions = { socketCalls };
