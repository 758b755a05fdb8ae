// The generic preview of a template with sample data, in a sandboxed frame without scripts and requests.
import { html, nothing } from "./vendor/lit-html/lit-html.js";

/** Characters on a line of a mail in the frame, and the height of a line in rem, with spacing. */
const LINE = 50;
const LINE_HEIGHT = 2.25;
const MIN_HEIGHT = 30;
const MAX_HEIGHT = 150;

/** The frame's height, estimated from the text, since its content cannot be measured from outside. */
function height(text) {
  const lines = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / LINE)), 0);
  return `height:${Math.min(Math.max(lines * LINE_HEIGHT, MIN_HEIGHT), MAX_HEIGHT)}rem`;
}

/** After a click into the frame, move the focus out of it: the page gets no key events from a frame, not even Escape. */
window.addEventListener("blur", () => {
  const frame = document.activeElement;
  // After the click is handled: before that, the browser ignores a change of focus.
  if (frame?.matches(".preview-frame")) setTimeout(() => frame.parentElement?.focus({ preventScroll: true }));
});

/** `as` is `html` or `text`; `show(as)` changes it. */
export function templatePreview(messageId, preview, { as, show }) {
  const choice = (value, name) => html`<button type="button" class="choice" aria-pressed=${as === value ? "true" : "false"}
    @click=${() => show(value)}>${name}</button>`;
  return html`<section class="preview" aria-labelledby="preview-heading">
    <div class="preview-head"><h3 id="preview-heading">Template preview</h3>
      <div class="choices" role="group" aria-label="Show the preview as">${choice("html", "HTML")}${choice("text", "Text")}</div></div>
    <p class="sample">With sample data, not this customer's. Subject: <bdi>${preview.subject}</bdi></p>
    ${as === "html"
      ? html`<div class="preview-scroll" tabindex="0" role="group" aria-labelledby="preview-heading"><iframe class="preview-frame" tabindex="-1"
          title="Template preview with sample data" sandbox="" referrerpolicy="no-referrer" .style=${height(preview.text)}
          src="/previews/${messageId}"></iframe></div>`
      : nothing}
    ${as === "text" ? html`<pre class="preview-text" dir="auto" tabindex="0" aria-label="Template preview as text">${preview.text}</pre>` : nothing}
  </section>`;
}
