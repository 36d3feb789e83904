/** One run: how far it is, its chunks, its questions, its end, and what can be done with it. */

import { useEffect, useState } from 'preact/hooks';
import { adviceFor } from './advice.ts';
import { ChunkList } from './chunk-list.tsx';
import { Code, CopyButton } from './code-block.tsx';
import { useChanges, useTicks } from './emitter.ts';
import type { Json } from './gateway.ts';
import { leadsToFault } from './json-box.tsx';
import { linkTo } from './route.ts';
import { DETACH_SECONDS, type Question, type Run, runs } from './run.ts';
import { count, duration, PHASE_NAMES, pretty } from './run-text.ts';
import { firstArguments } from './schema.ts';
import { pathText, SchemaForm } from './schema-form.tsx';

export function RunPanel({ run }: { readonly run: Run }) {
  useChanges(run);
  useTicks(100, run.isActive);
  const { order, phase, chunks, callId } = run;
  return (
    <article
      class={`card run ${phase}`}
      aria-label={`Run ${run.id} of ${order.tool.name}`}
      onKeyDown={({ key }) => {
        if (key === 'Escape') run.cancel();
      }}
    >
      <div class="row">
        <h2>
          <span class={`dot ${phase}`} aria-hidden="true" />
          <a class="mono" href={linkTo(order.tool.name, order.arguments)}>
            {order.tool.name}
          </a>{' '}
          <span class="phase">{run.isCancelling ? 'cancelling' : PHASE_NAMES[phase]}</span>
        </h2>
        <span class="elapsed">{duration(run.elapsedMs)}</span>
      </div>
      <Progress run={run} />
      <Spoken run={run} />
      <div class="actions">
        {run.canPause ? (
          <button type="button" class="small" onClick={() => run.pause()}>
            Pause
          </button>
        ) : null}
        {phase === 'paused' ? (
          <button type="button" class="small primary" onClick={() => run.goOn()}>
            Go on
          </button>
        ) : null}
        {run.isActive ? (
          <button type="button" class="small danger" disabled={run.isCancelling} onClick={() => run.cancel()}>
            Cancel
          </button>
        ) : (
          <>
            <button type="button" class="small" onClick={() => runs.start(order)}>
              Run again
            </button>
            <button type="button" class="small" onClick={() => runs.remove(run)}>
              Dismiss
            </button>
          </>
        )}
        {callId ? <code class="call-id">{callId}</code> : null}
      </div>
      {phase === 'paused' ? <Held run={run} /> : null}
      {run.question ? (
        <QuestionForm
          key={run.question.ask}
          question={run.question}
          answer={(result) => run.answer(result)}
        />
      ) : null}
      {run.failure ? <FailureBox run={run} /> : null}
      {chunks.total > 0 ? <ChunkList chunks={chunks} /> : null}
      {run.result !== null &&
      !(chunks.total > 0 && run.result === `[${chunks.text().replaceAll('\n', ',')}]`) ? (
        <div class="result">
          <div class="row">
            <h3>Result</h3>
            <CopyButton text={run.result} />
          </div>
          <Code label="Result" text={pretty(run.result)} />
        </div>
      ) : null}
      {run.meta === null ? null : (
        <details>
          <summary>Meta</summary>
          <Code label="Meta" text={pretty(JSON.stringify(run.meta))} />
        </details>
      )}
    </article>
  );
}

function Progress({ run: { progress, isActive, phase } }: { readonly run: Run }) {
  if (!progress && !isActive) return null;
  const { total = null, message = '' } = progress ?? {};
  const done = progress?.progress ?? 0;
  const isKnown = progress !== null && total !== null && total > 0;
  const parts = [
    isKnown ? `${Math.floor((100 * done) / total)} %` : '',
    progress ? `${count(done)}${total === null ? '' : ` of ${count(total)}`}` : '',
    message,
  ];
  return (
    <div class="progress">
      {isKnown ? (
        <progress max={total} value={done} aria-label="Progress" />
      ) : (
        <progress
          aria-label="Progress"
          class={phase === 'paused' ? 'still' : ''}
          value={isActive && phase !== 'paused' ? undefined : 0}
          max={1}
        />
      )}
      <span>{parts.filter((part) => part !== '').join(' · ')}</span>
    </div>
  );
}

/** Tells how far a run is, once a second and no more: each chunk aloud would be too much. */
function Spoken({ run }: { readonly run: Run }) {
  const [text, setText] = useState('');
  useEffect(() => {
    const tell = () =>
      setText(`${run.order.tool.name} ${PHASE_NAMES[run.phase]}, ${run.chunks.total} chunks`);
    tell();
    if (!run.isActive) return;
    const timer = setInterval(tell, 1000);
    return () => clearInterval(timer);
  }, [run.phase]);
  return (
    <p class="spoken" role="status">
      {text}
    </p>
  );
}

function Held({ run }: { readonly run: Run }) {
  const { held, chunks } = run;
  const left = Math.max(0, DETACH_SECONDS - Math.round(run.pausedMs / 1000));
  const ahead = held ? held.chunks - chunks.total : 0;
  return (
    <p class="notice" role="note">
      {!held
        ? 'Paused.'
        : held.hasEnded
          ? `The tool has ended meanwhile; ${count(ahead)} chunks wait here.`
          : held.isStill
            ? `Held back: the tool waits at its yield, ${count(ahead)} chunks ahead of you.`
            : `The tool fills the gateway’s share: ${count(ahead)} chunks ahead of you.`}{' '}
      <span class="muted">
        The gateway waits {left} s for you (at most DETACH_MAX), then it cancels the call.
      </span>
    </p>
  );
}

function FailureBox({ run }: { readonly run: Run }) {
  const { failure } = run;
  if (!failure) return null;
  const { code, message, status, retryable, retryAfterMs, details } = failure;
  const { issues = [], ...others } = details ?? {};
  return (
    <div class="failure" role="alert">
      <p>
        <code>{code}</code>
        {status ? <span class="muted"> {status}</span> : null} {message}
      </p>
      {issues.length > 0 ? (
        <ul>
          {issues.map((issue, at) => (
            <li key={at}>
              <code>{pathText(issue.path) || 'arguments'}</code> {issue.message}
            </li>
          ))}
        </ul>
      ) : null}
      <p class="advice">
        {adviceFor(code)}
        {retryAfterMs ? ` It may work again in ${duration(retryAfterMs)}.` : ''}
        {retryable && !retryAfterMs ? ' The same call may succeed later.' : ''}
      </p>
      {Object.keys(others).length > 0 ? (
        <Code label="Details" text={JSON.stringify(others, null, 2)} />
      ) : null}
    </div>
  );
}

function QuestionForm({
  question,
  answer,
}: {
  readonly question: Question;
  readonly answer: (result: Json) => void;
}) {
  const { method, params } = question;
  const schema = (params.requestedSchema ?? { type: 'object' }) as Readonly<Record<string, unknown>>;
  const [content, setContent] = useState<Json>(() => firstArguments(schema));
  const isForm = method === 'elicit' && params.requestedSchema !== undefined;
  return (
    <form
      class="question"
      aria-label="The tool asks"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (leadsToFault(event.currentTarget)) return;
        answer(isForm ? { action: 'accept', content } : { action: 'accept' });
      }}
    >
      <h3>The tool asks</h3>
      <p>{params.message ?? `It wants “${method}” from its client.`}</p>
      {isForm ? (
        <SchemaForm schema={schema} value={content} onChange={setContent} />
      ) : (
        <Code label="What it asks" text={JSON.stringify(params, null, 2)} />
      )}
      <div class="actions">
        {method === 'elicit' ? (
          <button type="submit" class="small primary">
            Answer
          </button>
        ) : null}
        <button type="button" class="small" onClick={() => answer({ action: 'decline' })}>
          Decline
        </button>
        <button type="button" class="small" onClick={() => answer({ action: 'cancel' })}>
          Dismiss
        </button>
      </div>
    </form>
  );
}
