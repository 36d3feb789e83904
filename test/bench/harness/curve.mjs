/** Entries of a curve: several servers, each at several sizes; a plot has a line per server, through its sizes. */

/**
 * @param entryOf (spec, size) → an entry for `runRounds`; undefined where a server is not asked that much
 * @returns entries whose row is `<server>-<size>`, and is compared with this gateway's of the same size
 */
export function curve(specs, sizes, entryOf) {
  return specs.flatMap((spec) =>
    sizes.flatMap((at) => {
      const entry = entryOf(spec, at);
      if (entry === undefined) return [];
      const label = entry.label ?? spec.label;
      return {
        ...entry,
        id: `${spec.id}-${at}`,
        label: `${label}, ${at}`,
        line: label,
        at,
        beside: `ours-${at}`,
      };
    }),
  );
}
