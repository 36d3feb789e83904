/** One behaviour over every transport. */
import { ToyTransport } from '../fixtures/toy-transport.ts';
import { connectGraphqlSse, connectGraphqlWs } from './graphql/graphql-clients.ts';
import { connectNdjson, connectSse, connectSync } from './http-clients.ts';
import { connectToy } from './toy-client.ts';
import { transportBehaviour } from './transport-behaviour.ts';
import { connectWebSocket } from './websocket-client.ts';

transportBehaviour('HTTP', connectSync, { streams: false });
transportBehaviour('SSE', connectSse);
transportBehaviour('NDJSON', connectNdjson);
transportBehaviour('WebSocket', connectWebSocket);
transportBehaviour('GraphQL over SSE', connectGraphqlSse, { settings: { graphql: true } });
transportBehaviour('GraphQL over WebSocket', connectGraphqlWs, { settings: { graphql: true } });

const toy = new ToyTransport();
transportBehaviour('a transport of the user', connectToy(toy), { transports: [toy] });
