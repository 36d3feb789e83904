/** Runs the same tests over both stores of the journeys. */
import { DirectJourneys } from './direct-journeys.ts';
import { missingPostgres, PostgresServer } from './postgres-server.ts';

/** @param tests get what opens the tool on an empty store. */
export function overStores(title: string, tests: (open: () => Promise<DirectJourneys>) => void): void {
  describe(title, () => {
    describe('in a SQLite file', () => tests(() => DirectJourneys.open()));
    describe('in PostgreSQL', () => {
      let server: PostgresServer;
      before(async function () {
        this.timeout(60_000);
        const reason = missingPostgres();
        if (reason !== undefined) {
          console.warn(`      skipped: ${reason}`);
          this.skip();
        }
        server = await PostgresServer.start();
      });
      after(() => server?.close());
      tests(() => DirectJourneys.openOn(server));
    });
  });
}
