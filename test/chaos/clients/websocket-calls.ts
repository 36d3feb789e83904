/**
 * Calls over WebSocket: on a socket of their own, or several at once on one socket per tool.
 *
 * W1. A socket remembers its calls after their end: a frame that comes later, or belongs to none, is a finding.
 */
import { WebSocket } from 'ws';
import { CallLog, shown } from './call-log.ts';
import { type Envelope, envelopeReader } from './envelope-reader.ts';
import { type CallSpec, type ChaosCall, HOST, type HttpTarget, type Transport } from './transport.ts';

interface OpenCall {
  readonly log: CallLog;
  readonly read: (envelope: Envelope) => void;
}

const REMEMBERED = 500;

class CallSocket {
  readonly ws: WebSocket;
  readonly #calls = new Map<unknown, OpenCall>();
  readonly #closesAfterCall: boolean;

  constructor(url: string, key: string, closesAfterCall: boolean) {
    this.#closesAfterCall = closesAfterCall;
    this.ws = new WebSocket(url, { headers: { 'x-api-key': key }, perMessageDeflate: false });
    this.ws.on('error', () => {});
    this.ws.on('message', (text) => this.#receive(String(text)));
    this.ws.on('close', () => {
      for (const { log } of this.#calls.values()) log.close();
    });
  }

  get isUsable(): boolean {
    return this.ws.readyState <= WebSocket.OPEN;
  }

  add(log: CallLog, message: object): void {
    this.#calls.set(log.nonce, { log, read: envelopeReader(log) });
    if (this.#calls.size > REMEMBERED) {
      const [oldest] = this.#calls.keys();
      this.#calls.delete(oldest);
    }
    this.send({ id: log.nonce, ...message });
  }

  send(message: object): void {
    const text = JSON.stringify(message);
    if (this.ws.readyState === WebSocket.OPEN) this.ws.send(text);
    else this.ws.once('open', () => this.ws.send(text));
  }

  #receive(text: string): void {
    const envelope = JSON.parse(text) as Envelope;
    const call = this.#calls.get(envelope.id);
    if (!call) {
      for (const { log } of this.#calls.values())
        log.breach('wrong caller', `a frame for nobody: ${shown(text)}`);
      return;
    }
    call.read(envelope);
    if (envelope.event !== 'complete') return;
    call.log.close();
    if (this.#closesAfterCall) this.ws.close();
  }
}

export class WebSocketCalls implements Transport {
  readonly name = 'websocket';
  readonly #target: HttpTarget;
  readonly #sharesSockets: boolean;
  readonly #sockets = new Map<string, CallSocket>();

  constructor(target: HttpTarget, sharesSockets: boolean) {
    this.#target = target;
    this.#sharesSockets = sharesSockets;
  }

  call(spec: CallSpec): ChaosCall {
    const { tool, nonce, args, key, timeoutMs } = spec;
    const log = new CallLog(nonce, spec);
    const socket = this.#socketOf(tool, key);
    socket.add(log, { arguments: { ...args, nonce }, ...(timeoutMs ? { timeoutMs } : {}) });
    return {
      log,
      cancel: () => {
        log.noteCancelled();
        socket.send({ event: 'cancel', id: nonce });
      },
      leave: () => {
        log.noteLeft();
        socket.ws.terminate();
      },
      pause: () => socket.ws.pause(),
      resume: () => socket.ws.resume(),
    };
  }

  #socketOf(tool: string, key: string): CallSocket {
    const url = `ws://${HOST}:${this.#target.port}/ws/tools/${tool}`;
    if (!this.#sharesSockets) return new CallSocket(url, key, true);
    const known = this.#sockets.get(tool);
    if (known?.isUsable) return known;
    const socket = new CallSocket(url, key, false);
    this.#sockets.set(tool, socket);
    return socket;
  }

  async close(): Promise<void> {
    for (const { ws } of this.#sockets.values()) ws.close();
    this.#sockets.clear();
  }
}
