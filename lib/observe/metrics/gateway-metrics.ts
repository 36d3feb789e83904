/**
 * The gateway's metrics: what is counted anyway, gathered when somebody scrapes. Nothing is counted for them alone, but
 * troubles of threads.
 *
 * M1. Bounded: labels are names of tools, transports, codes, states and causes, never of keys, callers, sessions or
 *     addresses. Tools beyond the first 300 count together as `_other`, calls to no tool as `_unknown`.
 */
import { addedCounts, type DurationCounts } from '../../async/duration-histogram.ts';
import type { RunnerStats, ServerFigures, UnitEvent } from '../../runners/runner.ts';
import type { CallStatistics, ToolCounts } from '../call-statistics.ts';
import { MOST_TOOLS } from '../operation-durations.ts';
import { Exposition, type Sample } from './exposition.ts';
import { ProcessFigures } from './process-figures.ts';

export { EXPOSITION_TYPE } from './exposition.ts';

const PREFIX = 'mcp_gateway_';

/** What a transport counts, as far as it is shown here. */
export interface TransportFigures {
  readonly connections?: number;
  readonly streams?: number;
  readonly bytes?: number;
  readonly slowConsumers?: number;
}

/** What MCP's HTTP endpoint counts: sessions by Streamable HTTP, and by HTTP+SSE. */
export interface SessionFigures {
  readonly sessions?: number;
  readonly legacySessions?: number;
}

export interface MetricsSources {
  readonly version: string;
  readonly statistics: CallStatistics;
  /** By name. */
  runners(): ReadonlyMap<string, RunnerStats>;
  /** By name. */
  transports(): Readonly<Record<string, TransportFigures>>;
  /** Empty where nobody listens for MCP. */
  sessions(): SessionFigures;
  callsInFlight(): number;
  /** Tools that are refused now for their failures. */
  openBreakers(): number;
  defects(): number;
}

export class GatewayMetrics {
  readonly #sources: MetricsSources;
  readonly #troubles = new Map<string, number>();
  readonly #process = new ProcessFigures();

  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  /** Notes what happened to a part of a runner. */
  unit({ unit, kind, isTrouble }: UnitEvent): void {
    if (unit !== 'thread' || !isTrouble) return;
    this.#troubles.set(kind, (this.#troubles.get(kind) ?? 0) + 1);
  }

  /** All of them, as text of the version that EXPOSITION_TYPE names. */
  text(): string {
    const exposition = new Exposition();
    this.#writeCalls(exposition);
    this.#writeRunners(exposition);
    this.#writeTransports(exposition);
    const { version, defects } = this.#sources;
    exposition.counter(`${PREFIX}defects_total`, 'What must not have happened inside the gateway.', [
      { value: defects() },
    ]);
    exposition.gauge(`${PREFIX}build_info`, 'Which gateway this is; always 1.', [
      { labels: { version, node_version: process.version }, value: 1 },
    ]);
    this.#process.write(exposition);
    return exposition.text();
  }

  close(): void {
    this.#process.close();
  }

  #writeCalls(exposition: Exposition): void {
    const { statistics, callsInFlight, openBreakers } = this.#sources;
    const tools = [...shown(statistics.tools), ['_unknown', [statistics.unknown]] as const];
    exposition.durations(
      `${PREFIX}call_duration_seconds`,
      'From a call’s admission to its end.',
      tools.map(([tool, parts]) => ({ labels: { tool }, value: durationsOf(parts) })),
    );
    exposition.durations(
      'mcp_server_operation_duration_seconds',
      'Requests of MCP clients that ran as calls, as OpenTelemetry’s conventions count them.',
      statistics.operations.samples(),
    );
    exposition.counter(
      `${PREFIX}calls_total`,
      'Calls that have ended.',
      tools.flatMap(([tool, parts]) => summed(parts.flatMap((part) => endsOf(tool, part)))),
    );
    exposition.counter(
      `${PREFIX}errors_total`,
      'Calls that have failed, by the code of their error.',
      tools.flatMap(([tool, parts]) =>
        summed(
          parts.flatMap(({ errors }) =>
            [...errors].map(([code, value]) => ({ labels: { tool, code }, value })),
          ),
        ),
      ),
    );
    exposition.counter(
      `${PREFIX}chunks_total`,
      'Chunks that tools gave.',
      tools.map(([tool, parts]) => ({
        labels: { tool },
        value: parts.reduce((sum, { chunks }) => sum + chunks, 0),
      })),
    );
    exposition.gauge(`${PREFIX}calls_in_flight`, 'Calls that wait or run.', [{ value: callsInFlight() }]);
    exposition.gauge(`${PREFIX}breakers_open`, 'Tools that are refused for their failures.', [
      { value: openBreakers() },
    ]);
  }

  #writeRunners(exposition: Exposition): void {
    const runners = [...this.#sources.runners()];
    exposition.gauge(
      `${PREFIX}queue_depth`,
      'Calls that wait.',
      runners.map(([runner, { queue }]) => ({ labels: { runner }, value: queue.depth })),
    );
    exposition.gauge(
      `${PREFIX}queue_limit`,
      'How many calls may wait.',
      runners.map(([runner, { queue }]) => ({ labels: { runner }, value: queue.limit })),
    );
    exposition.durations(
      `${PREFIX}queue_wait_seconds`,
      'From a call’s admission until its tool ran.',
      runners.flatMap(([runner, { waits }]) =>
        waits === undefined ? [] : [{ labels: { runner }, value: waits }],
      ),
    );
    exposition.gauge(
      `${PREFIX}threads`,
      'Threads, or processes, by what they do.',
      runners.flatMap(([runner, { units = {} }]) =>
        Object.entries(units).map(([state, value]) => ({ labels: { runner, state }, value })),
      ),
    );
    exposition.gauge(
      `${PREFIX}up`,
      '1 while the runner can serve calls.',
      runners.map(([runner, { status }]) => ({ labels: { runner }, value: status === 'down' ? 0 : 1 })),
    );
    this.#writeServers(exposition, runners);
    this.#writeFleet(exposition, runners);
    exposition.counter(
      `${PREFIX}thread_restarts_total`,
      'Threads that were replaced because of trouble on them.',
      [...this.#troubles].map(([cause, value]) => ({ labels: { cause }, value })),
    );
  }

  /** Of mounted servers, where there are some. */
  #writeServers(exposition: Exposition, runners: readonly (readonly [string, RunnerStats])[]): void {
    const servers = runners.flatMap(([, { servers = {} }]) => Object.entries(servers));
    if (servers.length === 0) return;
    const of = (value: (figures: ServerFigures) => number): Sample[] =>
      servers.map(([server, figures]) => ({ labels: { server }, value: value(figures) }));
    exposition.gauge(
      `${PREFIX}upstream_up`,
      '1 while the server takes calls, or would be started for one.',
      of(({ isUp }) => (isUp ? 1 : 0)),
    );
    exposition.gauge(
      `${PREFIX}upstream_calls_in_flight`,
      'Calls that the server has.',
      of(({ callsInFlight }) => callsInFlight),
    );
    exposition.counter(
      `${PREFIX}upstream_failures_total`,
      'Connections to the server that were lost, or could not be had.',
      of(({ failures }) => failures),
    );
    exposition.gauge(
      `${PREFIX}upstream_processes`,
      'Processes of the server.',
      of(({ processes }) => processes),
    );
    exposition.gauge(
      `${PREFIX}upstream_resident_bytes`,
      'Memory of these processes.',
      of(({ residentBytes }) => residentBytes),
    );
  }

  /** Of the fleet, where there is one. */
  #writeFleet(exposition: Exposition, runners: readonly (readonly [string, RunnerStats])[]): void {
    const [fleet] = runners.flatMap(([, stats]) => (stats.fleet ? [stats.fleet] : []));
    if (!fleet) return;
    const gauge = (name: string, help: string, value: number) => exposition.gauge(name, help, [{ value }]);
    const counter = (name: string, help: string, value: number) =>
      exposition.counter(name, help, [{ value }]);
    gauge(`${PREFIX}fleet_redis_up`, '1 while the Redis of the fleet answers.', fleet.isRedisUp ? 1 : 0);
    exposition.gauge(
      `${PREFIX}fleet_hosts`,
      'Worker hosts that take calls.',
      Object.entries(fleet.hosts).map(([group, value]) => ({ labels: { group }, value })),
    );
    gauge(`${PREFIX}fleet_gateways`, 'Gateways.', fleet.gateways);
    gauge(`${PREFIX}fleet_capacity`, 'Calls that all hosts take at a time.', fleet.capacity);
    gauge(`${PREFIX}fleet_busy`, 'Calls that all hosts run.', fleet.busy);
    gauge(
      `${PREFIX}fleet_oldest_wait_seconds`,
      'How long the call has waited that waits longest.',
      fleet.oldestMs / 1000,
    );
    counter(`${PREFIX}fleet_takeovers_total`, 'Calls taken over from a host that was lost.', fleet.takeovers);
    counter(
      `${PREFIX}fleet_fenced_writes_total`,
      'Writes of superseded runs, all refused.',
      fleet.fencedWrites,
    );
    counter(`${PREFIX}fleet_refills_total`, 'Writes that Redis had refused or lost.', fleet.refills);
    counter(
      `${PREFIX}fleet_resyncs_total`,
      'How often events were fetched that were not heard.',
      fleet.resyncs,
    );
    counter(
      `${PREFIX}fleet_recreated_workers_total`,
      'Workers of the queue that had stood still.',
      fleet.recreatedWorkers,
    );
  }

  #writeTransports(exposition: Exposition): void {
    const transports = Object.entries(this.#sources.transports());
    const of = (figure: keyof TransportFigures): Sample[] =>
      transports.flatMap(([transport, figures]) => {
        const value = figures[figure];
        return value === undefined ? [] : [{ labels: { transport }, value }];
      });
    exposition.gauge(`${PREFIX}connections_open`, 'Open connections.', of('connections'));
    exposition.gauge(`${PREFIX}streams_open`, 'Calls that are being streamed.', of('streams'));
    const { sessions = 0, legacySessions = 0 } = this.#sources.sessions();
    exposition.gauge(`${PREFIX}sessions_open`, 'Sessions of MCP clients, by how they are held.', [
      { labels: { kind: 'streamable_http' }, value: sessions },
      { labels: { kind: 'http_sse' }, value: legacySessions },
    ]);
    exposition.counter(`${PREFIX}sent_bytes_total`, 'Bytes of answers to calls.', of('bytes'));
    exposition.counter(
      `${PREFIX}slow_consumers_total`,
      'Streams destroyed because their reader made no progress.',
      of('slowConsumers'),
    );
  }
}

/** The tools by the names that they are shown under. */
function shown(tools: ReadonlyMap<string, ToolCounts>): (readonly [string, readonly ToolCounts[]])[] {
  const all = [...tools];
  const named = all.slice(0, MOST_TOOLS).map(([name, counts]) => [name, [counts]] as const);
  const others = all.slice(MOST_TOOLS).map(([, counts]) => counts);
  return others.length === 0 ? named : [...named, ['_other', others]];
}

const durationsOf = (parts: readonly ToolCounts[]): DurationCounts =>
  addedCounts(parts.map(({ durations }) => durations.sinceStart()));

const endsOf = (tool: string, { ends }: ToolCounts): Sample[] =>
  [...ends].flatMap(([transport, outcomes]) =>
    [...outcomes].map(([outcome, value]) => ({ labels: { tool, transport, outcome }, value })),
  );

/** Samples with the same labels as one. */
function summed(samples: readonly Sample[]): Sample[] {
  const sums = new Map<string, Sample>();
  for (const { labels = {}, value } of samples) {
    const key = JSON.stringify(labels);
    sums.set(key, { labels, value: value + (sums.get(key)?.value ?? 0) });
  }
  return [...sums.values()];
}
