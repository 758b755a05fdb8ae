// The generic preview of a template with sample data, in a sandboxed frame without scripts and requests.
import { html } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";

/**
 * Makes the frame as high as its content, which has no script to say so. `allow-same-origin` lets this page read the
 * height; the frame's content still runs no script, and its policy allows no request.
 */
function fit(frame) {
  const root = frame.contentDocument?.documentElement;
  if (!root) return;
  const pane = frame.closest(".preview-scroll");
  const { scrollTop } = pane;
  // Content that is as high as its frame, such as a body in quirks mode, would keep the height it has.
  frame.style.height = "0";
  const scrollBar = frame.contentWindow.innerHeight - root.clientHeight;
  frame.style.height = `${root.scrollHeight + Math.max(scrollBar, 0)}px`;
  pane.scrollTop = scrollTop;
}

const fitAll = () => document.querySelectorAll(".preview-frame").forEach(fit);

window.addEventListener("resize", fitAll);

/** After a click into the frame, move the focus out of it: the page gets no key events from a frame, not even Escape. */
window.addEventListener("blur", () => {
  const frame = document.activeElement;
  // After the click is handled: before that, the browser ignores a change of focus.
  if (frame?.matches(".preview-frame")) setTimeout(() => frame.parentElement?.focus({ preventScroll: true }));
});

/** `as` is html or text, `width` desktop or phone. */
export function templatePreview(messageId, preview, { as, width }) {
  // The frame is fitted again when its width has changed.
  requestAnimationFrame(fitAll);
  return html`<p class="sample" id="preview-heading">${said.message.content.sample} <bdi>${preview.subject}</bdi></p>
    ${as === "html"
      ? html`<div class="preview-scroll frame-place ${width}" tabindex="0" role="group" aria-labelledby="preview-heading"><iframe class="preview-frame" tabindex="-1"
          title=${said.message.content.template} sandbox="allow-same-origin" referrerpolicy="no-referrer"
          @load=${(event) => fit(event.target)} src="/previews/${messageId}"></iframe></div>`
      : html`<pre class="preview-text content-text" dir="auto" tabindex="0" aria-label=${said.message.content.text}>${preview.text}</pre>`}`;
}
