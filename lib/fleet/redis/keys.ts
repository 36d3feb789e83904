/**
 * The names of all that a fleet has in Redis.
 *
 * K1. What belongs to one call has the call's id as its hash tag, so that a script may touch all of it on a Cluster.
 */
export class Keys {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** A call as it stands: a hash. */
  readonly call = (callId: string): string => `${this.prefix}:{${callId}}:m`;
  /** What a call has told: a stream. */
  readonly events = (callId: string): string => `${this.prefix}:{${callId}}:s`;
  /** The calls of an API key by the time they were made: a sorted set. */
  readonly callsOf = (keyId: string): string => `${this.prefix}:k:${keyId}`;
  /** What an idempotency key is used for: a hash. */
  readonly claim = (digest: string): string => `${this.prefix}:i:${digest}`;
  /** The members of the fleet by the time of their last word: a sorted set. */
  get nodes(): string {
    return `${this.prefix}:nodes`;
  }
  /** What a member says of itself: JSON that lapses. */
  readonly node = (id: string): string => `${this.prefix}:n:${id}`;
  /** A catalog by its digest: JSON that lapses. */
  readonly catalog = (digest: string): string => `${this.prefix}:cat:${digest}`;

  /** What gateways know together, by its name: a hash that lapses. */
  readonly shared = (name: string): string => `${this.prefix}:g:${name}`;
  /** What they have told a client, by its name: a stream that lapses. */
  readonly sharedLog = (name: string): string => `${this.prefix}:e:${name}`;

  /** Channels. */
  readonly peer = (place: string): string => `${this.prefix}:p:${place}`;
  get gatewayChannels(): string {
    return `${this.prefix}:gw:`;
  }
  get hostChannels(): string {
    return `${this.prefix}:h:`;
  }
  get nodesChannel(): string {
    return `${this.prefix}:nodes!`;
  }
  /** Of notices that all gateways pass on to their clients. */
  get noticeChannel(): string {
    return `${this.prefix}:notices`;
  }

  /** Of the queues of BullMQ: one hash tag for all of them, as it demands. */
  get queuePrefix(): string {
    return `{${this.prefix}}`;
  }
}
