// The second tab of a message: exactly what it said, or its template with sample data; the frame takes all height below.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { failure, skeleton } from "../notices.js";
import { templatePreview } from "./template-preview.js";

/** The page's address on this origin, whichever name of ours the browser came by: no other may be framed. */
const here = (url) => new URL(url).pathname;
/** Digits of a fingerprint that are shown from its beginning and its end. */
const [FIRST_DIGITS, LAST_DIGITS] = [4, 4];

const fingerprint = (sha256) => html`<span class="ref" title=${sha256}>${sha256.slice(0, FIRST_DIGITS)}…${sha256.slice(-LAST_DIGITS)}</span>`;

/** A group of buttons of which one is pressed. */
function choices(name, given, chosen, choose) {
  if (given.length < 2) return nothing;
  return html`<div class="choices" role="group" aria-label=${name}>${given.map(([value, text]) => html`<button type="button" class="choice"
    aria-pressed=${value === chosen ? "true" : "false"} @click=${() => choose(value)}>${text}</button>`)}</div>`;
}

function toolbar(sheet) {
  const { content, info } = sheet.message;
  const { which, as, width } = sheet.shown;
  const { content: text } = said.message;
  const whats = [...(content ? [["exact", text.exact]] : []), ...(info.preview ? [["template", text.template]] : [])];
  const forms = [["html", text.html], ["text", text.text], ...(which === "exact" ? [["source", text.source]] : [])];
  return html`<div class="content-bar">
    ${choices(text.whichLabel, whats, which, (value) => sheet.showAs({ which: value }))}
    ${choices(text.asLabel, forms, as, (value) => sheet.showAs({ as: value }))}
    ${as === "html" ? choices(text.widthLabel, [["desktop", text.desktop], ["phone", text.phone]], width, (value) => sheet.showAs({ width: value })) : nothing}
  </div>`;
}

/** Whether it is exact, and where the file is. */
const proof = ({ content }, follow) => html`<p class="sample">${content.exact
    ? html`${said.message.content.isExact} ${fingerprint(content.sha256)}${"."}` : said.message.content.isNotExact(content.inexactWhy)}
  ${said.message.content.nothingCounted}
  <a href=${content.rawUrl} download @click=${(event) => follow(event, (message) => message.content?.rawUrl)}>${said.message.content.download}</a></p>`;

/** A text in place of the frame, once it is read. */
function readPart(part, retry, name) {
  if (part?.state === "error") return failure(part.error, retry);
  if (part?.state !== "ready") return skeleton(5);
  const text = typeof part.value === "string" ? part.value : part.value?.text;
  if (!text) return html`<p class="how">${said.message.content.noText}</p>`;
  return html`<pre class="content-text" dir="auto" tabindex="0" aria-label=${name}>${text}</pre>${
    part.value.cut ? html`<p class="how">${said.message.content.cut}</p>` : nothing}`;
}

function exact(sheet) {
  const { as, width } = sheet.shown;
  const { content } = sheet.message;
  const shown = as === "html"
    ? html`<div class="frame-place ${width}"><iframe class="mail-frame" title=${said.message.content.exact} sandbox="" referrerpolicy="no-referrer" src=${here(content.viewUrl)}></iframe></div>`
    : readPart(sheet.parts[as], sheet.retryPart, said.message.content[as]);
  return html`${proof(sheet.message, sheet.follow)}${shown}`;
}

export function contentTab(sheet) {
  const { content, info, id, direction } = sheet.message;
  const { content: text } = said.message;
  if (!content && !info.preview) return html`<p class="how">${direction === "RECEIVED" ? text.notKept : text.notAllowed}</p>`;
  return html`${toolbar(sheet)}${content ? nothing : html`<p class="how">${text.notAllowed}</p>`}${
    sheet.shown.which === "exact" ? exact(sheet) : templatePreview(id, info.preview, sheet.shown)}`;
}
