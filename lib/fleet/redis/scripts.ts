/**
 * What must happen in Redis in one step. Each script touches the hash and the stream of one call.
 *
 * S1. The stream's ids are `<epoch>-<number>`, dense from 1 within an epoch; `<epoch>-0` says that a host began it; the
 *     end has the highest id there is. Redis refuses what is not higher than the last: neither a run that was superseded
 *     nor anything after the end can be written, nor the same entry twice.
 * S2. `begin` alone decides whether a call runs, and whether again: a queue may deliver it as often as it likes. A run
 *     is its host's for a lease from the host's last word of it; nobody else begins the call before that is over.
 * S3. Nothing but `open` makes a call, and what is forgotten stays so.
 * S4. Only `begin` and ends write to a stream that is not there yet.
 * S6. A Redis that came back without its last moments may have a run begin anew under the number of one that runs: what
 *     is written is therefore the host's too, and says of which run it is. Its host writes again what was lost, `restore`
 *     its beginning.
 * S5. What is published goes to one gateway: the reader's. A long way behind, it is told the id alone and fetches the rest.
 *     That a call has begun for the first time is not published: what comes next says so.
 *
 * Fields of the hash: st (q, r, e: queued, running, ended), ep, seq, ev (the number of the last event that a client
 * sees), told (1: a client may have seen `started`), out and ack (bytes written and read), h (host), gw (gateway of the
 * reader), hb (the host's last word of the run), run (when it was begun, which no two of a call share), key, dl (deadline), at (opened; all times in ms since 1970 by Redis), t (what is to be run), i (what is shown
 * of it), kp (1: kept), det (ms without a reader), id (1: may run again), gr (group), a<n> (answers).
 */
export const END_ID = '18446744073709551615-18446744073709551615';

const NOW = `local tm = redis.call('TIME')
local now = tm[1] * 1000 + math.floor(tm[2] / 1000)
`;

/**
 * KEYS m s; ARGV key gw limitMs task info kept detachMs repeatable ttlMs claimedUntil group → 1, 0 there already, -1 too
 * late. One that has ended is opened again by the gateway that has it: a call that is retried.
 */
const OPEN = `${NOW}
local by = tonumber(ARGV[10])
if by > 0 and now > by then return -1 end
local c = redis.call('HMGET', KEYS[1], 'st', 'key', 'gw')
if c[1] then
  if c[1] ~= 'e' or c[2] ~= ARGV[1] or c[3] ~= ARGV[2] then return 0 end
  redis.call('UNLINK', KEYS[1], KEYS[2])
end
local dl = now + tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'st', 'q', 'ep', 0, 'seq', 0, 'ev', 0, 'out', 0, 'ack', 0, 'key', ARGV[1], 'gw', ARGV[2],
  'dl', dl, 'at', now, 't', ARGV[4], 'i', ARGV[5], 'kp', ARGV[6], 'det', ARGV[7], 'id', ARGV[8], 'gr', ARGV[11])
redis.call('PEXPIRE', KEYS[1], dl - now + tonumber(ARGV[9]))
return 1
`;

/** How an end is written. */
const END = `
local function finishWith(m, s, ep, seq, kp, kind, head, text, status, keepMs, chunks)
  redis.call('XADD', s, '${END_ID}', 'k', kind, 'h', head, 'd', text, 'p', ep .. '-' .. seq)
  redis.call('HSET', m, 'st', 'e', 'end', status, 'n', chunks)
  redis.call('HDEL', m, 't')
  local ttl = tonumber(keepMs)
  if kp ~= '1' then ttl = math.min(ttl, 30000) end
  redis.call('PEXPIRE', m, ttl)
  redis.call('PEXPIRE', s, ttl)
end
`;

/**
 * KEYS m s; ARGV host maxStarts keepMs gatewayChannels crash late callId crashThatMayRunAgain (errors as JSON) leaseMs
 * → [code, …]: 1 epoch ev task gw det kept waitedMs leftMs told run; 0 nothing to do; -3 ended here; -8 leaseLeftMs: it is
 * another host's.
 */
const BEGIN = `${NOW}${END}
local c = redis.call('HMGET', KEYS[1], 'st', 'ep', 'seq', 'gw', 'kp', 'id', 'dl', 'at', 'told', 'ev', 't', 'det', 'n', 'h', 'hb')
local st, ep, seq, gw = c[1], tonumber(c[2]), c[3], c[4]
if not st or st == 'e' then return {0} end
local call = ARGV[7]
local function stop(wire, status)
  local head = '[' .. wire .. ',' .. (c[13] or 0) .. ',' .. (now - tonumber(c[8])) .. ']'
  finishWith(KEYS[1], KEYS[2], ep, seq, c[5], 'e', head, '', status, ARGV[3], c[13] or 0)
  redis.call('PUBLISH', ARGV[4] .. gw, call .. '\\n${END_ID}\\ne\\n' .. ep .. '-' .. seq .. '\\n' .. head .. '\\n')
  return {-3}
end
if now >= tonumber(c[7]) then return stop(ARGV[6], 'timeout') end
if st == 'r' and c[14] ~= ARGV[1] then
  local left = tonumber(c[15] or 0) + tonumber(ARGV[9]) - now
  if left > 0 then return {-8, left} end
end
if st == 'r' and (c[6] ~= '1' or ep >= tonumber(ARGV[2])) then return stop(c[6] == '1' and ARGV[8] or ARGV[5], 'error') end
local before = ep .. '-' .. seq
ep = ep + 1
local told = c[9] == '1' and 1 or 0
local ev = tonumber(c[10]) + told
redis.call('HSET', KEYS[1], 'st', 'r', 'ep', ep, 'h', ARGV[1], 'hb', now, 'run', now, 'seq', 0, 'out', 0, 'ack', 0,
  'ev', ev)
if c[6] ~= '1' then redis.call('HDEL', KEYS[1], 't') end
redis.call('XADD', KEYS[2], ep .. '-0', 'k', 'b', 'h', told, 'd', '', 'p', before)
redis.call('PEXPIRE', KEYS[2], tonumber(c[7]) - now + tonumber(ARGV[3]))
if ep > 1 then
  redis.call('PUBLISH', ARGV[4] .. gw, call .. '\\n' .. ep .. '-0\\nb\\n' .. before .. '\\n' .. told .. '\\n')
end
return {1, ep, ev, c[11], gw, c[12], c[5], now - tonumber(c[8]), tonumber(c[7]) - now, told, now}
`;

/**
 * KEYS m s; ARGV epoch seq kind head text bytes events isEnd status keepMs gatewayChannels eagerBytes callId chunks host
 * → [code, ack]: 1 written; 0 was there; -1 superseded; -2 ended; -4 forgotten; [-5, last] a hole before it; -7 not begun.
 */
const APPEND = `${END}
local c = redis.call('HMGET', KEYS[1], 'st', 'ep', 'seq', 'out', 'ack', 'gw', 'ev', 'kp', 'h', 'run')
if not c[1] then return {-4, 0} end
if c[1] == 'e' then return {-2, 0} end
if c[1] == 'q' and tonumber(c[2]) == tonumber(ARGV[1]) - 1 then return {-7, 0} end
if c[2] ~= ARGV[1] or c[9] ~= ARGV[15] then return {-1, 0} end
local last, seq = tonumber(c[3]), tonumber(ARGV[2])
local ack = tonumber(c[5])
if seq <= last then return {0, ack} end
if seq > last + 1 then return {-5, last} end
local id = ARGV[1] .. '-' .. ARGV[2]
local before = c[10] or ''
if ARGV[8] == '1' then
  id = '${END_ID}'
  before = c[2] .. '-' .. c[3]
  finishWith(KEYS[1], KEYS[2], c[2], c[3], c[8], ARGV[3], ARGV[4], ARGV[5], ARGV[9], ARGV[10], ARGV[14])
else
  if not redis.call('XADD', KEYS[2], 'NOMKSTREAM', id, 'k', ARGV[3], 'h', ARGV[4], 'd', ARGV[5], 'p', before) then return {-4, 0} end
  local out = tonumber(c[4]) + tonumber(ARGV[6])
  redis.call('HSET', KEYS[1], 'seq', seq, 'out', out, 'ev', tonumber(c[7]) + tonumber(ARGV[7]))
  if ARGV[3] == 's' then redis.call('HSET', KEYS[1], 'told', 1) end
  if ARGV[14] ~= '' then redis.call('HSET', KEYS[1], 'n', ARGV[14]) end
  if out - ack > tonumber(ARGV[12]) then
    redis.call('PUBLISH', ARGV[11] .. c[6], ARGV[13] .. '\\n' .. id)
    return {1, ack}
  end
end
redis.call('PUBLISH', ARGV[11] .. c[6],
  ARGV[13] .. '\\n' .. id .. '\\n' .. ARGV[3] .. '\\n' .. before .. '\\n' .. ARGV[4] .. '\\n' .. ARGV[5])
return {1, ack}
`;

/**
 * KEYS m s; ARGV key|'' onlyQueued head status reason keepMs gatewayChannels hostChannels callId gateway|''
 * → 1 ended now, and it waited; 2 ended now, and a host had begun it; 0 had ended; -3 runs; -4 not there, or another key's; -6 another gateway's.
 */
const FINISH = `${END}
local c = redis.call('HMGET', KEYS[1], 'st', 'ep', 'seq', 'gw', 'kp', 'key', 'h', 'n')
if not c[1] or (ARGV[1] ~= '' and c[6] ~= ARGV[1]) then return -4 end
if c[1] == 'e' then return 0 end
if ARGV[10] ~= '' and c[4] ~= ARGV[10] then return -6 end
if ARGV[2] == '1' and c[1] ~= 'q' then return -3 end
local kind = c[1] == 'r' and 'x' or 'e'
finishWith(KEYS[1], KEYS[2], c[2], c[3], c[5], kind, ARGV[3], '', ARGV[4], ARGV[6], c[8] or 0)
redis.call('PUBLISH', ARGV[7] .. c[4],
  ARGV[9] .. '\\n${END_ID}\\n' .. kind .. '\\n' .. c[2] .. '-' .. c[3] .. '\\n' .. ARGV[3] .. '\\n')
if c[7] then redis.call('PUBLISH', ARGV[8] .. c[7], 'x\\n' .. ARGV[9] .. '\\n' .. c[2] .. '\\n' .. ARGV[5]) end
return kind == 'x' and 2 or 1
`;

/** KEYS m s; ARGV host epoch keepMs run → 1 where Redis had lost that the host began it, and has it again; else 0. */
const RESTORE = `${NOW}
local c = redis.call('HMGET', KEYS[1], 'st', 'ep', 'seq', 'told', 'ev', 'id', 'dl')
if c[1] ~= 'q' or tonumber(c[2]) ~= tonumber(ARGV[2]) - 1 then return 0 end
local told = c[4] == '1' and 1 or 0
redis.call('HSET', KEYS[1], 'st', 'r', 'ep', ARGV[2], 'h', ARGV[1], 'hb', now, 'run', ARGV[4], 'seq', 0, 'out', 0,
  'ack', 0, 'ev', tonumber(c[5]) + told)
if c[6] ~= '1' then redis.call('HDEL', KEYS[1], 't') end
redis.call('XADD', KEYS[2], ARGV[2] .. '-0', 'k', 'b', 'h', told, 'd', '', 'p', c[2] .. '-' .. c[3])
redis.call('PEXPIRE', KEYS[2], tonumber(c[7]) - now + tonumber(ARGV[3]))
return 1
`;

/** KEYS m; ARGV host epoch field… → [st ep ack gw value…], ep 0 where it is another host's; says that the host has the run. */
const BEAT = `${NOW}
local c = redis.call('HMGET', KEYS[1], 'st', 'ep', 'ack', 'gw', 'h', unpack(ARGV, 3))
if c[1] == 'r' and c[5] ~= ARGV[1] then c[2] = '0' end
if c[1] == 'r' and c[2] == ARGV[2] then redis.call('HSET', KEYS[1], 'hb', now) end
table.remove(c, 5)
return c
`;

/** KEYS m s; ARGV epoch ack keepFrom|'' hostChannels callId → 1, or 0 where it is nobody's any more. */
const CREDIT = `
local c = redis.call('HMGET', KEYS[1], 'st', 'ep', 'ack', 'h')
if c[1] ~= 'r' or c[2] ~= ARGV[1] then return 0 end
local ack = tonumber(ARGV[2])
if ack <= tonumber(c[3]) then return 1 end
redis.call('HSET', KEYS[1], 'ack', ack)
if ARGV[3] ~= '' then redis.call('XTRIM', KEYS[2], 'MINID', ARGV[3]) end
redis.call('PUBLISH', ARGV[4] .. c[4], 'c\\n' .. ARGV[5] .. '\\n' .. ARGV[1] .. '\\n' .. ack)
return 1
`;

/** KEYS m; ARGV key gateway gatewayChannels callId → [st ep seq ev ack i at dl h gr told kp], or [] where there is none. */
const ATTACH = `
local c = redis.call('HMGET', KEYS[1], 'key', 'gw', 'kp', 'st')
if c[1] ~= ARGV[1] or c[3] ~= '1' then return {} end
if c[2] ~= ARGV[2] then
  redis.call('HSET', KEYS[1], 'gw', ARGV[2])
  redis.call('PUBLISH', ARGV[3] .. c[2], ARGV[4] .. '\\n~')
end
return redis.call('HMGET', KEYS[1], 'st', 'ep', 'seq', 'ev', 'ack', 'i', 'at', 'dl', 'h', 'gr', 'told', 'out')
`;

/** KEYS m; ARGV ask payload hostChannels callId key → 1, 0 answered before, -4 not there. */
const ANSWER = `
local c = redis.call('HMGET', KEYS[1], 'st', 'ep', 'h', 'key')
if c[1] ~= 'r' or (ARGV[5] ~= '' and c[4] ~= ARGV[5]) then return -4 end
if redis.call('HSETNX', KEYS[1], 'a' .. c[2] .. '.' .. ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('PUBLISH', ARGV[3] .. c[3], 'a\\n' .. ARGV[4] .. '\\n' .. c[2] .. '\\n' .. ARGV[1] .. '\\n' .. ARGV[2])
return 1
`;

/**
 * KEYS claim; ARGV callId fingerprint ttlMs graceMs takenFrom|''
 * → ['new', until]; ['made', callId, fingerprint, ageMs]. `takenFrom` names the call that was never made.
 */
const CLAIM = `${NOW}
local c = redis.call('HMGET', KEYS[1], 'c', 'f', 'at')
if c[1] and c[1] ~= ARGV[5] then return {'made', c[1], c[2], now - tonumber(c[3])} end
redis.call('HSET', KEYS[1], 'c', ARGV[1], 'f', ARGV[2], 'at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'new', now + tonumber(ARGV[4])}
`;

/** KEYS claim; ARGV callId → 1 given back. */
const UNCLAIM = `
if redis.call('HGET', KEYS[1], 'c') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;

/** KEYS what gateways share; ARGV field value → what the field is now; nil where there is no such name. */
const SHARE = `
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
`;

/** Those that must work when Redis is full: they end calls and free memory. */
const ALLOWED_WHEN_FULL: readonly string[] = ['fleetFinish', 'fleetBeat', 'fleetCredit', 'fleetAttach'];

const SCRIPTS: Readonly<Record<string, readonly [keys: number, lua: string]>> = {
  fleetOpen: [2, OPEN],
  fleetBegin: [2, BEGIN],
  fleetAppend: [2, APPEND],
  fleetFinish: [2, FINISH],
  fleetRestore: [2, RESTORE],
  fleetBeat: [1, BEAT],
  fleetCredit: [2, CREDIT],
  fleetAttach: [1, ATTACH],
  fleetAnswer: [1, ANSWER],
  fleetClaim: [1, CLAIM],
  fleetUnclaim: [1, UNCLAIM],
  fleetShare: [1, SHARE],
};

/** The scripts as ioredis takes them. @param major of the server: from 7 on a script may say that it needs no memory. */
export function scripts(
  major: number,
): Readonly<Record<string, { readonly numberOfKeys: number; readonly lua: string }>> {
  return Object.fromEntries(
    Object.entries(SCRIPTS).map(([name, [numberOfKeys, text]]) => {
      const flags = major >= 7 && ALLOWED_WHEN_FULL.includes(name) ? '#!lua flags=allow-oom\n' : '';
      return [name, { numberOfKeys, lua: flags + text }];
    }),
  );
}
