/**
 * What Piscina requires on every thread: CommonJS on purpose. Piscina tries `require()` before `import()`, and Node 20
 * aborts the whole process when a thread is terminated while it requires an ES module.
 */
module.exports = import('./thread-main.ts').then(({ serve }) => serve);
