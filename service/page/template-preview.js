// The generic preview of a template: sample data, in a frame that runs nothing and loads nothing from elsewhere.
import { html, nothing } from "./vendor/lit-html/lit-html.js";

/** `as` is `html` or `text`; `show(as)` changes it. */
export function templatePreview(messageId, preview, { as, show }) {
  const choice = (value, name) => html`<button type="button" class="choice" aria-pressed=${as === value ? "true" : "false"}
    @click=${() => show(value)}>${name}</button>`;
  return html`<section class="preview" aria-labelledby="preview-heading">
    <div class="preview-head"><h3 id="preview-heading">Template preview</h3>
      <div class="choices" role="group" aria-label="Show the preview as">${choice("html", "HTML")}${choice("text", "Text")}</div></div>
    <p class="sample">With sample data, not this customer's. Subject: <bdi>${preview.subject}</bdi></p>
    ${as === "html"
      ? html`<iframe class="preview-frame" title="Template preview with sample data" sandbox="" referrerpolicy="no-referrer"
          src="/previews/${messageId}"></iframe>`
      : nothing}
    ${as === "text" ? html`<pre class="preview-text" dir="auto" tabindex="0" aria-label="Template preview as text">${preview.text}</pre>` : nothing}
  </section>`;
}
