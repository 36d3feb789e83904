/** One behaviour over every transport. */
import { connectNdjson, connectSse, connectSync } from './http-clients.ts';
import { transportBehaviour } from './transport-behaviour.ts';
import { connectWebSocket } from './websocket-client.ts';

transportBehaviour('HTTP', connectSync, { streams: false });
transportBehaviour('SSE', connectSse);
transportBehaviour('NDJSON', connectNdjson);
transportBehaviour('WebSocket', connectWebSocket);
