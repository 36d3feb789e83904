/** What a child finds open beside its standard streams. */

/** The pipe to the gateway. */
export const LINK_FD = 3;
/** The file of calls that have begun. */
export const MARKS_FD = 4;
