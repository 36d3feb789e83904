import { expect } from 'chai';
import type { ErrorCode } from '../../../lib/call/error-code.ts';
import { Ejections, FailureStreak } from '../../../lib/runners/threads/ending/failure-streak.ts';

const failed = (code: ErrorCode, ranMs: number | null) => ({
  type: 'error' as const,
  call: 1,
  chunks: 0,
  error: { code, message: '', retryable: false },
  ranMs,
});

describe('an outlier among threads', () => {
  it('fails three calls in a row before their tools begin', () => {
    const streak = new FailureStreak();
    expect([1, 2, 3].map(() => streak.add(failed('internal', null)))).to.deep.equal([false, false, true]);
  });

  it('is none while tools run on it, whatever becomes of them, or callers are to blame', () => {
    const streak = new FailureStreak();
    const frames = [
      failed('internal', null),
      failed('tool_failed', null),
      failed('tool_failed', 1),
      failed('internal', null),
      failed('invalid_arguments', null),
      failed('internal', null),
      failed('not_found', null),
    ];
    expect(frames.some((frame) => streak.add(frame))).to.equal(false);
  });

  it('is not given up without end: what fails everywhere is no fault of a thread', () => {
    const ejections = new Ejections();
    const taken = Array.from({ length: 100 }, () => ejections.take()).filter(Boolean);
    expect(taken).to.have.length(8);
  });
});
