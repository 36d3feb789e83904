/** What reaches the log, and in which form. */
import { expect } from 'chai';
import type { TerminalEvent } from '../../lib/call/call-events.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { logCall, logToolRecord } from '../../lib/observe/call-log.ts';
import { createLogger, type LoggerOptions } from '../../lib/observe/logger.ts';

const KEY = 'my-"own"-key';

async function recorded(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const logger = await createLogger({
    level: 'DEBUG',
    keys: () => [KEY],
    isPretty: false,
    destination: { write: (line) => lines.push(line) },
    ...options,
  });
  return { logger, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const endedWith = (end: TerminalEvent) => ({
  callId: 'c1',
  kind: 'tool' as const,
  name: 'echo',
  caller: { keyId: 'k1', transport: 'sse' as const },
  end,
});

const failed = (error: ToolError): TerminalEvent => ({
  type: 'error',
  error,
  chunks: 2,
  durationMs: 12.3456,
});

describe('createLogger()', () => {
  it("writes JSON lines with the option's own level names", async () => {
    const { logger, records } = await recorded();
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    logger.error('d');
    expect(records().map(({ level, msg }) => `${level} ${msg}`)).to.deep.equal([
      'DEBUG a',
      'INFO b',
      'WARNING c',
      'ERROR d',
    ]);
  });

  it('writes the stack of an error that a transport reports', async () => {
    const { logger, records } = await recorded();
    logger.error({ error: new TypeError('a defect') }, 'the gateway failed to handle the request');
    expect(records()[0]?.['error']).to.deep.include({ type: 'TypeError', message: 'a defect' });
    expect(records()[0]).to.have.nested.property('error.stack').that.contains('logger.test');
  });

  it('keeps quiet below LOG_LEVEL', async () => {
    const { logger, lines } = await recorded({ level: 'WARNING' });
    logger.info('too much');
    logger.warn('enough');
    expect(lines).to.have.length(1);
  });

  it('hides keys in messages, headers, URLs and the WebSocket subprotocol', async () => {
    const { logger, lines } = await recorded();
    logger.info({ data: { nested: KEY } }, `the key is ${KEY}`);
    logger.info({ headers: { 'x-api-key': 'some-other', authorization: 'Bearer unknown' } }, 'headers');
    logger.info({ url: '/ws/tools/x?api_key=mistyped&a=1' }, 'url');
    logger.info(`apikey.${Buffer.from(KEY).toString('base64url')} ${encodeURIComponent(KEY)}`);
    const log = lines.join('');
    expect(log).not.to.match(/own|some-other|Bearer|mistyped/);
    expect(log).not.to.contain(Buffer.from(KEY).toString('base64url'));
    expect(log).to.contain('/ws/tools/x?api_key=[redacted]&a=1');
  });

  it('writes readable lines for a terminal', async () => {
    const { logger, lines } = await recorded({ isPretty: true });
    logger.warn({ callId: 'c1' }, 'look here');
    expect(lines[0]).to.match(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: look here \{"callId":"c1"\}\n$/);
  });
});

describe('a control character in the log', () => {
  const evil = 'a\u001b[2Jb\u009bc\u007fd\u202ee\u2028f\bg\\u001bh';
  const controls = /(?![\n\t])[\p{Cc}\u2028-\u202e]/u;

  it('is escaped in JSON, and the text stays what it is', async () => {
    const { logger, lines, records } = await recorded();
    logger.info({ route: evil }, evil);
    expect(lines[0]?.trimEnd()).not.to.match(controls);
    expect(records()[0]).to.include({ route: evil, msg: evil });
  });

  it('is no more where people read the lines', async () => {
    const { logger, lines } = await recorded({ isPretty: true });
    logger.info({ route: evil }, `${evil}\nnext line`);
    expect(lines.join('').trimEnd()).not.to.match(controls);
    expect(lines.join('')).to.include('a\ufffd[2Jb\ufffdc').and.include('\\u001bh').and.include('next line');
  });
});

describe('logCall()', () => {
  it('writes one INFO line with id, tool, transport, status and duration', async () => {
    const { logger, records } = await recorded();
    const end: TerminalEvent = {
      type: 'result',
      data: '1',
      repeats: false,
      shape: 'other',
      chunks: 3,
      meta: null,
      durationMs: 1.23456,
    };
    logCall(logger, endedWith(end));
    const [record] = records();
    expect(record).to.include({
      level: 'INFO',
      callId: 'c1',
      tool: 'echo',
      transport: 'sse',
      status: 'success',
      durationMs: 1.23,
      chunks: 3,
    });
  });

  it("keeps a caller's mistake at INFO, a failed tool at WARNING and a crash at ERROR", async () => {
    const { logger, records } = await recorded();
    logCall(logger, endedWith(failed(new ToolError('invalid_arguments', 'no'))));
    logCall(logger, endedWith(failed(new ToolError('tool_failed', 'no'))));
    logCall(logger, endedWith(failed(new ToolError('worker_crashed', 'no'))));
    expect(records().map(({ level, status }) => `${level} ${status}`)).to.deep.equal([
      'INFO invalid_arguments',
      'WARNING tool_failed',
      'ERROR worker_crashed',
    ]);
  });

  it('writes the cause that the caller is never told', async () => {
    const { logger, records } = await recorded();
    const error = new ToolError('tool_failed', 'the tool failed', { cause: new Error('disk on fire') });
    logCall(logger, endedWith(failed(error)));
    expect(records()[0]?.['err'])
      .to.have.property('stack')
      .that.contains('disk on fire')
      .and.contains('logger.test');
  });
});

describe('logToolRecord()', () => {
  it("writes a tool's record with its call and its data", async () => {
    const { logger, records } = await recorded();
    logToolRecord(logger, {
      callId: 'c1',
      tool: 'echo',
      level: 'warning',
      message: 'hot',
      data: '{"degrees":90}',
    });
    logToolRecord(logger, { callId: null, tool: null, level: 'debug', message: 'stray' });
    expect(records()[0]).to.deep.include({
      level: 'WARNING',
      callId: 'c1',
      tool: 'echo',
      msg: 'hot',
      data: { degrees: 90 },
    });
    expect(records()[1]).to.include({ level: 'DEBUG', msg: 'stray' }).and.not.to.have.property('callId');
  });
});
