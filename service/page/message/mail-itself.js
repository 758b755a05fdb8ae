// The mail itself: a page of its own in a sandboxed frame of no origin, whether it is proved, and its bytes as a file.
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** The page's address on this origin, whichever name of ours the browser came by: no other may be framed. */
const here = (url) => new URL(url).pathname;

/** `mailShown`: whether the frame is open, which `showMail` changes; `follow(event, urlOf)` renews a link that is too old. */
export function mailItself(content, { mailShown, showMail, follow }) {
  if (!content) return nothing;
  return html`<section class="mail-itself" aria-label="The mail itself">
    <p><button type="button" class="link" aria-expanded=${mailShown ? "true" : "false"} @click=${showMail}>The mail itself</button>
      <a href=${content.rawUrl} download @click=${(event) => follow(event, (message) => message.content?.rawUrl)}>.eml</a></p>
    ${mailShown
      ? html`<p class="sample">${content.exact ? "Exactly as it was sent or came in." : `Not exact. ${content.inexactWhy}`}
          Links do nothing here, pictures from elsewhere are not fetched, and nothing is counted.</p>
        <iframe class="mail-frame" title="The mail itself" sandbox="" referrerpolicy="no-referrer" src=${here(content.viewUrl)}></iframe>`
      : nothing}
  </section>`;
}
