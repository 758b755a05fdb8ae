// Placeholders for rows: empty, loading, failed.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { Offline, SignedOut } from "./errors.js";

/** Grey bars in place of rows that are loading. */
export const skeleton = (rows = 8) => html`<div class="skeleton" aria-hidden="true">${
  Array.from({ length: rows }, (_, number) => html`<div class="bar" data-width=${number % 4}></div>`)
}</div><p class="unseen">Loading …</p>`;

/** A heading, a sentence, and an optional action. */
export const notice = ({ heading, text, action = nothing, kind = "empty", level = 2 }) => html`<div class="notice ${kind}">
  ${level === 1 ? html`<h1>${heading}</h1>` : html`<h2>${heading}</h2>`}
  <p>${text}</p>
  ${action}
</div>`;

/** For a URL with a mail that is not this customer's. */
export const NO_SUCH_MAIL = {
  heading: "There is no such mail", text: "The web address of this page may be mistyped, or the mail is another customer's.",
};

function explain(error) {
  if (error instanceof Offline) {
    return ["The service cannot be reached", "Your connection or the service is away. It is tried again by itself as soon as it is back."];
  }
  if (error instanceof SignedOut) return ["You are signed out", "It goes on as soon as you have signed in."];
  return ["This could not be read", error.message || "Something unexpected happened in this page. Try again."];
}

/** The error, and a button that tries again. */
export const failure = (error, retry) => notice({
  kind: "broken",
  heading: explain(error)[0],
  text: explain(error)[1],
  action: html`<button type="button" class="button" @click=${retry}>Try again</button>`,
});
