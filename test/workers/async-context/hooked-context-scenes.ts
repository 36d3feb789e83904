/**
 * What happens in a context of calls, scene by scene; each is played on a thread of its own, whose hooks end with it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { hookedContext } from '../../../workers/async-context/hooked-context.ts';
import { setImmediate as ownImmediate } from '../../../workers/async-context/own-timers.ts';

interface Call {
  readonly name: string;
}

/** Waits as the thread's own machinery does: such a timer is nobody's. */
const turn = () =>
  new Promise<void>((resolve) =>
    ownImmediate(() => {
      context.turnBegins();
      resolve();
    }),
  );

const context = hookedContext<Call>();
const first = { name: 'first' };
const second = { name: 'second' };
const nameOf = (promise?: object): string | undefined => context.owner(promise)?.name;

const scenes = {
  /** A call that does nothing but wait for promises may sprint in every turn. */
  plain: () =>
    context.run(first, async () => {
      const seen: unknown[] = [];
      for (let i = 0; i < 3; i++) {
        const sprint = context.sprint(first);
        seen.push(sprint instanceof Promise, context.sprint(first) === undefined);
        await sprint;
        await Promise.resolve();
        seen.push(nameOf());
        await turn();
        seen.push(nameOf());
      }
      return seen;
    }),
  /** A tick that was made in this turn would run unseen behind a sprint; one of an earlier turn has run. */
  refused: () =>
    context.run(first, async () => {
      process.nextTick(() => {});
      const afterTick = context.sprint(first);
      const asAnother = context.sprint(second);
      await turn();
      return [afterTick, asAnother, context.sprint(first)].map((sprint) => sprint === undefined);
    }),
  /** A call that has its turn may sprint beside others, whose promises keep their call. */
  beside: async () => {
    const seen: unknown[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const other = context.run(second, async () => {
      await gate;
      seen.push(nameOf());
    });
    await context.run(first, async () => {
      await turn();
      const sprint = context.sprint(first);
      seen.push(sprint instanceof Promise);
      await sprint;
      await null;
      seen.push(nameOf());
      // As when the sprinter's progress reads the port, and what has come is for the other.
      let made: Promise<void> | undefined;
      context.enter(second, () => {
        seen.push(nameOf());
        made = Promise.resolve();
      });
      seen.push(nameOf(made), nameOf());
      await turn();
      open();
      await other;
    });
    return seen;
  },
  /** Promises made in a sprint keep their call when they go on after it. */
  promises: () =>
    context.run(first, async () => {
      await context.sprint(first);
      let later: string | undefined;
      let open = () => {};
      const waiting = new Promise<void>((resolve) => {
        open = resolve;
      }).then(() => {
        later = nameOf();
      });
      const rejected = Promise.reject(new Error());
      rejected.catch(() => {});
      const inSprint = nameOf(rejected);
      await turn();
      open();
      await waiting;
      return [inSprint, nameOf(rejected), later];
    }),
  /** A timer made in a sprint, and what it makes, are known to be of that call; nobody sprints after that. */
  timer: () =>
    context.run(first, async () => {
      await context.sprint(first);
      const seen: unknown[] = [];
      const done = new Promise<void>((resolve) => {
        setTimeout(() => {
          seen.push(nameOf());
          setImmediate(() => {
            seen.push(nameOf());
            resolve();
          });
        }, 1);
      });
      await done;
      context.run(second, () => {
        seen.push(nameOf(), context.sprint(second) === undefined);
      });
      return seen;
    }),
  /** Where an earlier call's code ran in the sprint too, what has no mark is nobody's. */
  mixed: async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const seen: unknown[] = [];
    context.run(first, () => {
      void gate.then(() => {
        seen.push(nameOf());
        setImmediate(() => seen.push(nameOf()));
      });
    });
    return context.run(second, async () => {
      await context.sprint(second);
      open();
      await null;
      await null;
      seen.push(nameOf());
      await turn();
      await turn();
      return seen;
    });
  },
};

// As calls begin: in a turn of their own, when all modules have been loaded.
ownImmediate(async () => {
  const played = await scenes[workerData as keyof typeof scenes]();
  parentPort?.postMessage(played.map((seen) => seen ?? null));
});
