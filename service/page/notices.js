// Placeholders for rows: empty, loading, failed, not allowed.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { Offline, SignedOut } from "./errors.js";
import { said } from "./language.js";

/** Grey bars in place of rows that are loading; they appear after 150 ms (page.css), so that a quick answer shows none. */
export const skeleton = (rows = 8) => html`<div class="skeleton" aria-hidden="true">${
  Array.from({ length: rows }, (_, number) => html`<div class="bar" data-width=${number % 4}></div>`)
}</div><p class="unseen">${said.shell.loading}</p>`;

/** A heading, a sentence, and an optional action. */
export const notice = ({ heading, text, action = nothing, kind = "empty", level = 2 }) => html`<div class="notice ${kind}">
  ${level === 1 ? html`<h1>${heading}</h1>` : html`<h2>${heading}</h2>`}
  <p>${text}</p>
  ${action}
</div>`;

/** For a URL with a mail that is not this customer's. */
export const NO_SUCH_MAIL = {
  get heading() {
    return said.shell.noSuchMail;
  },
  get text() {
    return said.shell.noSuchMailWhy;
  },
};

/** For an unknown address; `toWorklist` is the `@click` of the link. */
export const noSuchPage = (toWorklist) => notice({
  level: 1, heading: said.shell.noSuchPage, text: said.shell.noSuchPageWhy,
  action: html`<a class="button" href="/" @click=${toWorklist}>${said.shell.toWorklist}</a>`,
});

/** A list that filters leave empty: `clear` is the `@click` of "Clear filters". */
export const noneMatch = (clear) => notice({
  heading: said.shell.noneMatch, text: nothing,
  action: html`<button type="button" class="button" @click=${clear}>${said.shell.clearFilters}</button>`,
});

function explain(error) {
  if (error instanceof Offline) return [said.shell.unreachable, said.shell.unreachableWhy];
  if (error instanceof SignedOut) return [said.shell.signedOutNow, said.shell.signedOutWhy];
  // What the caller may not see, in the API's sentence: it names what is missing.
  if (error.code === "FORBIDDEN") return [said.shell.notAllowed, error.message];
  return [said.shell.unreadable, error.message || said.shell.unexpected];
}

/** The error, and a button that tries again. */
export const failure = (error, retry) => notice({
  kind: "broken",
  heading: explain(error)[0],
  text: explain(error)[1],
  action: error.code === "FORBIDDEN" ? nothing : html`<button type="button" class="button" @click=${retry}>${said.shell.again}</button>`,
});
