/**
 * How many threads libuv works on files, DNS, `crypto` and `zlib` with, for all threads of the process together: more than
 * its four, since one call may hold as many as it likes for as long as it runs. UV_THREADPOOL_SIZE is read once, when the
 * first of them is needed, so this comes before all else.
 *
 * Node 20 needs one to load an ES module, and is too late here then: what starts a program there is CommonJS.
 */
const LEAST = 16;
/** Of MAX_WORKERS. */
const USUAL_WORKERS = '8';
/** For the gateway itself and for each thread that tools run on. */
const OWN = 4;
const EACH = 2;
const MOST = 1024;

if (process.env['UV_THREADPOOL_SIZE'] === undefined) {
  const at = process.argv.lastIndexOf('--max-workers');
  const joined = process.argv.findLast((one) => one.startsWith('--max-workers='))?.split('=')[1];
  const workers = Number(joined ?? (at < 0 ? process.env['MAX_WORKERS'] : process.argv[at + 1]) ?? USUAL_WORKERS);
  const wanted = Math.max(LEAST, OWN + EACH * (workers || 0));
  process.env['UV_THREADPOOL_SIZE'] = String(Math.min(MOST, wanted));
}
