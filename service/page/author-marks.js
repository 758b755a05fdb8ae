// Marks of who wrote a received mail, in rows and in the popover.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { said } from "./language.js";
import { words } from "./words.js";

/** The marks of who wrote: for a row only what a reader has to know. */
export function authorMarks(received, { all = false } = {}) {
  if (!received) return nothing;
  const shown = all || received.author === "UNVERIFIED";
  return html`${received.automatic ? html`<span class="mark">${said.words.automatic}</span>` : nothing}${
    shown && received.author ? html`<span class="mark ${received.author === "UNVERIFIED" ? "doubtful" : ""}"
      title=${words.authorWhy(received.author)}>${words.author(received.author)}</span>` : nothing}`;
}
