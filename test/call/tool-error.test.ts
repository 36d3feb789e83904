import { expect } from 'chai';
import { ERROR_CODES, type ErrorCode } from '../../lib/call/error-code.ts';
import { describeThrown, forgetStack, ToolError } from '../../lib/call/tool-error.ts';

describe('ToolError', () => {
  it('crosses the port and back with code, message, details and retry advice', () => {
    const error = new ToolError('overloaded', 'try later', { details: { depth: 64 }, retryAfterMs: 500 });
    const back = ToolError.fromWire(structuredClone(ToolError.toWire(error)));
    expect(back).to.include({ code: 'overloaded', message: 'try later', retryAfterMs: 500, retryable: true });
    expect(back.details).to.deep.equal({ depth: 64 });
    expect(back.status).to.equal(503);
  });

  it('is recognised when another copy of the package made it', () => {
    const foreign = Object.assign(new Error('from elsewhere'), { code: 'not_found' });
    expect(ToolError.is(foreign)).to.equal(false);
    Object.defineProperty(foreign, Symbol.for('mcp-streaming-gateway.ToolError'), { value: true });
    expect(ToolError.is(foreign)).to.equal(true);
  });

  it('wraps what is no ToolError and keeps it as the cause', () => {
    const cause = new Error('underneath');
    const wrapped = ToolError.from(cause, 'internal', 'it failed');
    expect(wrapped).to.include({ code: 'internal', message: 'it failed' });
    expect(wrapped.cause).to.equal(cause);
    expect(ToolError.from(wrapped, 'tool_failed', 'other')).to.equal(wrapped);
  });

  it('takes status and retryability of every code from the table', () => {
    for (const [code, { status, retryable }] of Object.entries(ERROR_CODES)) {
      expect(new ToolError(code as ErrorCode, '')).to.include({ status, retryable });
    }
  });
});

describe('forgetStack()', () => {
  it('leaves the name and the message, and the causes as they are', () => {
    const cause = new TypeError('below');
    const error = new ToolError('internal', 'above', { cause });
    forgetStack(error);
    expect(error.stack).to.equal('ToolError: above');
    expect(describeThrown(error)).to.match(/^ToolError: above\ncaused by: TypeError: below\n\s+at /);
  });

  it('does not fail by a cause that cannot be described', () => {
    const cause = Object.defineProperty(new Error('odd'), 'stack', {
      get() {
        throw new Error('no stack');
      },
    });
    expect(() => forgetStack(new ToolError('internal', 'above', { cause }))).not.to.throw();
  });
});

describe('describeThrown()', () => {
  it('describes anything that can be thrown', () => {
    const hostile = {
      toString() {
        throw new Error('no');
      },
    };
    expect(describeThrown(new Error('boom', { cause: 'below' }))).to.match(
      /Error: boom[\s\S]*caused by: below/,
    );
    expect(describeThrown(null)).to.equal('object: null');
    expect(describeThrown(undefined)).to.equal('undefined: undefined');
    expect(describeThrown('text')).to.equal('text');
    expect(describeThrown(hostile)).to.equal('a thrown value that cannot be described');
  });

  it('tells eight causes, where one leads back to itself too', () => {
    const cyclic = new Error('around');
    cyclic.cause = cyclic;
    const told = describeThrown(cyclic);
    expect(told.match(/caused by: Error: around/g)).to.have.length(8);
    expect(told).to.match(/caused by: …$/);
  });

  it('is bounded, and once bounded stays as it is', () => {
    const long = new Error('x'.repeat(1_000_000), { cause: 'y'.repeat(1_000_000) });
    const told = describeThrown(long);
    expect(told)
      .to.have.length(65_536)
      .and.match(/^Error: xxx[\s\S]*…$/);
    expect(describeThrown(told)).to.equal(told);
  });
});
