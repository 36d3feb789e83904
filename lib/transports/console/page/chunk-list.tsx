/**
 * The chunks of a run as they come, one line each; only lines that can be seen are in the document.
 *
 * V1. While the end is in sight the list follows it; scrolled up it stays where it is, also when old chunks are dropped.
 */

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChunkRing } from './chunk-ring.ts';
import { Code } from './code-block.tsx';
import { count, pretty } from './run-text.ts';

const ROW = 24;
const MORE = 8;
const SHOWN_CHARACTERS = 300;

export function ChunkList({ chunks }: { readonly chunks: ChunkRing }) {
  const list = useRef<HTMLDivElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [isFollowing, setFollowing] = useState(true);
  const [chosen, setChosen] = useState<number | null>(null);
  const dropped = useRef(0);
  const { size } = chunks;
  const height = Math.min(320, Math.max(3, size) * ROW);

  useLayoutEffect(() => {
    const box = list.current;
    if (!box) return;
    const gone = chunks.dropped - dropped.current;
    dropped.current = chunks.dropped;
    if (isFollowing) box.scrollTop = box.scrollHeight;
    else if (gone > 0) box.scrollTop -= gone * ROW;
  }, [size, chunks.dropped, isFollowing]);

  const first = Math.max(0, Math.floor(scrollTop / ROW) - MORE);
  const end = Math.min(size, Math.ceil((scrollTop + height) / ROW) + MORE);
  const rows = Array.from({ length: Math.max(0, end - first) }, (_, at) => first + at);
  const choose = (index: number) => {
    const within = Math.min(Math.max(index, chunks.dropped), chunks.total - 1);
    setChosen(within);
    setFollowing(false);
    const box = list.current;
    const top = (within - chunks.dropped) * ROW;
    if (box && (top < box.scrollTop || top + ROW > box.scrollTop + height)) box.scrollTop = top - height / 2;
  };
  const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

  return (
    <div class="chunks">
      <div class="row">
        <h3>
          Chunks <span class="total">{count(chunks.total)}</span>
        </h3>
        {chunks.dropped > 0 ? (
          <span class="badge warn dropped">{count(chunks.dropped)} oldest dropped</span>
        ) : null}
        <button
          type="button"
          class="small"
          aria-pressed={isFollowing}
          onClick={() => setFollowing(!isFollowing)}
        >
          Follow
        </button>
      </div>
      <div
        ref={list}
        class="list"
        role="log"
        aria-live="off"
        aria-label="Chunks; arrow keys choose one"
        tabIndex={0}
        style={{ height: `${height}px` }}
        onScroll={({ currentTarget }) => {
          setScrollTop(currentTarget.scrollTop);
          const isAtEnd = currentTarget.scrollTop + height >= currentTarget.scrollHeight - ROW;
          if (isAtEnd !== isFollowing && chosen === null) setFollowing(isAtEnd);
        }}
        onKeyDown={(event) => {
          const step = steps[event.key];
          if (step === undefined) return;
          event.preventDefault();
          choose(chosen === null ? chunks.total - 1 : chosen + step);
        }}
      >
        <div class="spacer" style={{ height: `${size * ROW}px` }}>
          {rows.map((at) => {
            const index = chunks.dropped + at;
            return (
              <div
                key={index}
                class={index === chosen ? 'line chosen' : 'line'}
                style={{ transform: `translateY(${at * ROW}px)` }}
                onClick={() => choose(index)}
              >
                <span class="index">{count(index)}</span>
                <span>{chunks.at(at).slice(0, SHOWN_CHARACTERS)}</span>
              </div>
            );
          })}
        </div>
      </div>
      {chosen !== null && chosen >= chunks.dropped ? (
        <div class="chosen-chunk">
          <div class="row">
            <h3>Chunk {count(chosen)}</h3>
            <button type="button" class="small" onClick={() => setChosen(null)}>
              Close
            </button>
          </div>
          <Code label={`Chunk ${chosen}`} text={pretty(chunks.at(chosen - chunks.dropped))} />
        </div>
      ) : null}
    </div>
  );
}
