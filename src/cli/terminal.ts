// The terminal a command talks to: whether to colour, and how long text stays harmless.

/** NO_COLOR (no-color.org) and FORCE_COLOR override what the stream is. */
export function wantsColour(stream: { isTTY?: boolean }): boolean {
  if (process.env['NO_COLOR']) return false;
  if (process.env['FORCE_COLOR']) return true;
  return stream.isTTY === true;
}

/** Columns, 60 to 160; 100 when the stream is no terminal. */
export function widthOf(stream: { isTTY?: boolean; columns?: number }): number {
  return stream.isTTY && stream.columns ? Math.min(160, Math.max(60, stream.columns)) : 100;
}
