// What every row of a mail asks for, and how much of it is kept.

/** Characters of a server's response kept for a row; the popover reads all of it. */
const ROW_RESPONSE = 400;

/** A fragment: the outcome of a mail, as its icon and second line show it. */
export const OUTCOME = `
  fragment Outcome on EmailInfo {
    colorHint status cause nextAttemptAt waitsFor sentAt tracked
    response { code enhancedCode text }
    report { text verified }
  }`;
/** What a page of a connection says of itself. */
export const PAGE = "pageInfo { hasNextPage endCursor }";

/** Cuts a server's words to what a row shows. */
export function shorten(info) {
  for (const each of [info?.response, info?.report]) if (each?.text) each.text = each.text.slice(0, ROW_RESPONSE);
}
