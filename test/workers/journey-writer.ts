/**
 * A writer for the store's tests, as a process (`node journey-writer.js DIR COUNT`) or as a thread (workerData:
 * {dataDir, count}): creates journeys, tells the id of each after the store has acknowledged it, and updates the
 * journey whose id is in `shared`, if given. COUNT 0 writes until it is killed.
 */
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { parseJourneyFields } from '../../workers/tools/journey.ts';
import { JourneyStore } from '../../workers/tools/journey-store.ts';

const [dataDir, count, shared] = isMainThread
  ? [String(process.argv[2]), Number(process.argv[3]), process.argv[4]]
  : [workerData.dataDir, workerData.count, workerData.shared];

// A pipe that is written synchronously tells the id even when the process is killed right after.
const tell = (id: string) => (isMainThread ? writeSync(1, `${id}\n`) : parentPort?.postMessage(id));

const store = await JourneyStore.open(dataDir);
for (let n = 0; count === 0 || n < count; n++) {
  const tags = [`tag-${n % 5}`];
  const { id } = await store.create(
    parseJourneyFields({ name: `journey ${n}`, description: 'x'.repeat(200), tags }),
  );
  tell(id);
  if (shared) await store.update(shared, { description: `write ${n}` });
}
store.close();
