/** The gateway at work: graphs of the last five minutes, threads with their calls, one's own calls, tools in numbers. */
import { useEffect, useState } from 'preact/hooks';
import { Chart } from './chart.tsx';
import { useChanges } from './emitter.ts';
import { failureOf, gateway } from './gateway.ts';
import { type Cluster, Live, type Sample } from './live.ts';
import { count, duration, megabytes } from './run-text.ts';
import { ServerTable } from './server-table.tsx';

export const live = new Live();

const MEBIBYTES = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1024, 2048, 4096, 8192].map((one) => one * 2 ** 20);

const plain = (value: number): string =>
  value >= 10_000 ? `${Math.round(value / 1000)}k` : count(Math.round(value * 10) / 10);
const ms = (value: number): string =>
  value >= 1000 ? `${Math.round(value / 100) / 10} s` : `${Math.round(value * 10) / 10} ms`;

export function PoolView() {
  useChanges(live);
  const { samples } = live;
  if (live.reason !== '' && samples.length === 0)
    return (
      <p class="empty" role="alert">
        {live.reason}
      </p>
    );
  const seconds = samples.map(({ at }) => at / 1000);
  const of = (pick: (sample: Sample) => number | null) => samples.map(pick);
  const line = (label: string, colour: string, pick: (sample: Sample) => number | null) => ({
    label,
    colour: `--line-${colour}`,
    values: of(pick),
  });
  return (
    <div class="pool">
      <h1>Pool</h1>
      <div class="charts">
        <Chart
          title="Calls per second"
          seconds={seconds}
          text={plain}
          lines={[line('ended', '1', ({ calls }) => calls), line('failed', '4', ({ errors }) => sum(errors))]}
        />
        <Chart
          title="Chunks per second"
          seconds={seconds}
          text={plain}
          lines={[line('chunks', '2', ({ chunks }) => chunks)]}
        />
        <Chart
          title="Duration of calls"
          seconds={seconds}
          text={ms}
          lines={[
            line('p50', '1', ({ p50Ms }) => p50Ms),
            line('p95', '3', ({ p95Ms }) => p95Ms),
            line('p99', '4', ({ p99Ms }) => p99Ms),
          ]}
        />
        <Chart
          title="Calls in the gateway"
          seconds={seconds}
          text={plain}
          lines={[
            line('running', '1', ({ inFlight, queued }) => inFlight - queued),
            line('queued', '3', ({ queued }) => queued),
          ]}
        />
        <Chart
          title="Event loop delay"
          seconds={seconds}
          text={ms}
          lines={[line('max', '2', ({ loopDelayMs }) => loopDelayMs)]}
        />
        <Chart
          title="Memory"
          seconds={seconds}
          text={megabytes}
          steps={MEBIBYTES}
          lines={[
            line('resident', '1', ({ rssBytes }) => rssBytes),
            line('heap', '3', ({ heapBytes }) => heapBytes),
          ]}
        />
      </div>
      {live.cluster ? <Fleet cluster={live.cluster} /> : <Threads />}
      <ServerTable mounted={live.upstreams} />
      <OwnCalls />
      <Errors samples={samples} />
      <ToolTable />
    </div>
  );
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, one) => all + one, 0);

function Threads() {
  const { min, max, alive, queueDepth } = live.pool as Readonly<Record<string, number | undefined>>;
  // Where all tools are those of mounted servers, or of other hosts, there is no pool here.
  if (max === undefined) return null;
  return (
    <section class="card">
      <h2>
        Threads{' '}
        <small>
          {alive ?? live.threads.length} alive, {min} to {max}; {queueDepth ?? 0} calls wait
        </small>
      </h2>
      <ul class="threads">
        {live.threads.map(
          ({ id, state, calls = [], callsInFlight, completed, heapUsedBytes, utilization }) => (
            <li key={id} class={state}>
              <b>
                <span class={`dot ${state}`} aria-hidden="true" />#{id} {state}
              </b>
              <span class="mono call">
                {calls.map(({ name }) => name).join(', ') || '–'}
                {callsInFlight > calls.length ? ` +${callsInFlight - calls.length}` : ''}
              </span>
              <small>
                {count(completed)} {completed === 1 ? 'call' : 'calls'} done, {Math.round(utilization * 100)}{' '}
                % busy, {megabytes(heapUsedBytes)}
              </small>
            </li>
          ),
        )}
      </ul>
    </section>
  );
}

function Fleet({ cluster }: { readonly cluster: Cluster }) {
  const { redis, nodes, hosts, capacity, busy, depth, oldestMs } = cluster;
  const { takeovers, fencedWrites, resyncs } = cluster;
  return (
    <section class="card">
      <h2>
        Fleet{' '}
        <small>
          {count(hosts)} hosts run {count(busy)} of {count(capacity)} calls; {count(depth)} wait
          {depth > 0 ? `, the oldest for ${duration(oldestMs)}` : ''}
        </small>
      </h2>
      {redis === 'ok' ? null : <p role="alert">{redis}</p>}
      <ul class="threads">
        {nodes.map(({ id, role, version, uptimeSeconds, isDraining, groups = [], capacity, busy, calls }) => (
          <li key={id} class={isDraining ? 'stopping' : 'ready'}>
            <b>
              <span class={`dot ${isDraining ? 'stopping' : 'ready'}`} aria-hidden="true" />
              {role} {id}
            </b>
            <span class="mono call">{groups.join(', ') || '–'}</span>
            <small>
              {capacity ? `runs ${count(busy ?? 0)} of ${count(capacity['x'] ?? 0)}; ` : ''}
              {calls === undefined ? '' : `${count(calls)} calls of clients; `}
              {version}, up for {duration(uptimeSeconds * 1000)}
              {isDraining ? ', going' : ''}
            </small>
          </li>
        ))}
      </ul>
      <small>
        {count(takeovers)} calls taken over, {count(fencedWrites)} writes fenced off, {count(resyncs)} resyncs
      </small>
    </section>
  );
}

interface OwnCall {
  readonly callId: string;
  readonly tool: string;
  readonly status: string;
  readonly chunks: number;
  readonly startedAt: string;
  readonly durationMs?: number;
}

function OwnCalls() {
  const [calls, setCalls] = useState<readonly OwnCall[]>([]);
  const [reason, setReason] = useState('');
  useEffect(() => {
    let isGone = false;
    const look = () =>
      gateway.json<{ calls: OwnCall[] }>('calls').then(
        (answer) => {
          if (isGone) return;
          setCalls(
            answer.calls.filter(({ status }) => status === 'running' || status === 'queued').reverse(),
          );
          setReason('');
        },
        (thrown) => isGone || setReason(failureOf(thrown).message),
      );
    look();
    const timer = setInterval(look, 1000);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, []);
  const cancel = (callId: string) =>
    gateway.request(`calls/${encodeURIComponent(callId)}`, { method: 'DELETE' }).catch(() => undefined);
  return (
    <section class="card">
      <h2>
        Running calls <small>of this key</small>
      </h2>
      {reason ? <p class="issue">{reason}</p> : null}
      {calls.length === 0 ? (
        <p class="muted">None.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Running calls">
          <table>
            <thead>
              <tr>
                <th scope="col">Tool</th>
                <th scope="col">State</th>
                <th scope="col">Chunks</th>
                <th scope="col">For</th>
                <th scope="col">Call</th>
                <th scope="col">
                  <span class="spoken">Cancel</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {calls.map(({ callId, tool, status, chunks, startedAt }) => (
                <tr key={callId}>
                  <td class="mono">{tool}</td>
                  <td>{status}</td>
                  <td>{count(chunks)}</td>
                  <td>{duration(Math.max(0, Date.now() - Date.parse(startedAt)))}</td>
                  <td class="mono">{callId}</td>
                  <td>
                    <button
                      type="button"
                      class="small danger"
                      aria-label={`Cancel ${tool}, call ${callId}`}
                      onClick={() => cancel(callId)}
                    >
                      Cancel
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Errors({ samples }: { readonly samples: readonly Sample[] }) {
  const totals = new Map<string, number>();
  for (const { errors } of samples)
    for (const [code, times] of Object.entries(errors)) totals.set(code, (totals.get(code) ?? 0) + times);
  return (
    <section class="card">
      <h2>
        Errors <small>of the last five minutes, by code</small>
      </h2>
      {totals.size === 0 ? <p class="muted">None.</p> : null}
      <p class="badges">
        {[...totals]
          .sort(([, one], [, other]) => other - one)
          .map(([code, times]) => (
            <span key={code} class="badge warn">
              {code} {count(times)}
            </span>
          ))}
      </p>
    </section>
  );
}

function ToolTable() {
  const tools = [...live.tools].sort(([one], [other]) => (one < other ? -1 : 1));
  if (tools.length === 0) return null;
  return (
    <section class="card">
      <h2>
        Tools <small>since the start; percentiles of the last minutes</small>
      </h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Tools in numbers">
        <table>
          <thead>
            <tr>
              {['Tool', 'Calls', 'Running', 'Errors', 'Chunks', 'p50', 'p95', 'p99'].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {tools.map(([name, figures]) => (
              <tr key={name}>
                <td class="mono">{name}</td>
                <td>{count(figures.calls)}</td>
                <td>{count(figures.inFlight)}</td>
                <td>{count(sum(figures.errors))}</td>
                <td>{count(figures.chunks)}</td>
                <td>{ms(figures.p50Ms)}</td>
                <td>{ms(figures.p95Ms)}</td>
                <td>{ms(figures.p99Ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
