/** The MCP servers that are mounted: how each is, and what its processes take. */
import type { Mounted } from './live.ts';
import { count, megabytes } from './run-text.ts';

export function ServerTable({ mounted }: { readonly mounted: Readonly<Record<string, Mounted>> }) {
  const servers = Object.entries(mounted);
  if (servers.length === 0) return null;
  return (
    <section class="card">
      <h2>
        Servers <small>of MCP that are mounted here</small>
      </h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Mounted servers">
        <table>
          <thead>
            <tr>
              {['Server', 'State', 'Tools', 'Running', 'Done', 'Failures', 'Processes', 'Memory'].map(
                (title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {servers.map(([name, server]) => (
              <tr key={name}>
                <td class="mono">{name}</td>
                <td>{stateOf(server)}</td>
                <td>{count(server.tools)}</td>
                <td>{count(server.callsInFlight)}</td>
                <td>{count(server.completed)}</td>
                <td>{count(server.failures)}</td>
                <td>{server.type === 'stdio' ? count(server.processes) : '–'}</td>
                <td>{server.type === 'stdio' ? megabytes(server.residentBytes) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** `ready`, or `2 ready, 1 idle` where it has several connections; and what is wrong, where something is. */
function stateOf({ states, reason }: Mounted): string {
  const kinds = [...new Set(states)].map((state) => {
    const times = states.filter((one) => one === state).length;
    return times === states.length && times === 1 ? state : `${times} ${state}`;
  });
  const state = kinds.join(', ') || 'down';
  return reason === null ? state : `${state}: ${reason}`;
}
