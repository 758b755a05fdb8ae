// The generic preview of a template with sample data, in a sandboxed frame without scripts and requests.
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/**
 * Makes the frame as high as its content, which has no script to say so. `allow-same-origin` lets this page read the
 * height; the frame's content still runs no script, and its policy allows no request.
 */
function fit(frame) {
  const root = frame.contentDocument?.documentElement;
  if (!root) return;
  const pane = frame.closest(".info-body");
  const { scrollTop } = pane;
  // Content that is as high as its frame, such as a body in quirks mode, would keep the height it has.
  frame.style.height = "0";
  const scrollBar = frame.contentWindow.innerHeight - root.clientHeight;
  frame.style.height = `${root.scrollHeight + Math.max(scrollBar, 0)}px`;
  pane.scrollTop = scrollTop;
}

window.addEventListener("resize", () => document.querySelectorAll(".preview-frame").forEach(fit));

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
          title="Template preview with sample data" sandbox="allow-same-origin" referrerpolicy="no-referrer"
          @load=${(event) => fit(event.target)} src="/previews/${messageId}"></iframe></div>`
      : nothing}
    ${as === "text" ? html`<pre class="preview-text" dir="auto" tabindex="0" aria-label="Template preview as text">${preview.text}</pre>` : nothing}
  </section>`;
}
