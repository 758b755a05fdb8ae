// All that is listed as a file: the link is asked for when it is wanted, since it is good for five minutes.
import { html } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { readExportUrl } from "./queries.js";

const FORMATS = ["CSV", "JSONL"];

/** Below its button, within the window. */
function place(menu) {
  const box = document.getElementById(`${menu.id}-open`).getBoundingClientRect();
  const above = box.top > window.innerHeight / 2;
  menu.style.left = `${Math.max(6, Math.min(box.left, document.documentElement.clientWidth - 230))}px`;
  menu.style.top = above ? "auto" : `${box.bottom + 6}px`;
  menu.style.bottom = above ? `${window.innerHeight - box.top + 6}px` : "auto";
}

/** `asked` is what is listed, by `readFilter`. */
export function exportMenu({ app, asked, id, quiet = false }) {
  const fetchAs = async (format) => {
    document.getElementById(id).hidePopover();
    try {
      const url = await app.guard(readExportUrl)(asked, format);
      if (url) location.assign(url);
      else app.announce(said.messages.exportTooLong);
    } catch (error) {
      app.announce(error.message || said.messages.unreachable);
    }
  };
  return html`<button type="button" class="button ${quiet ? "quiet" : ""}" id="${id}-open" popovertarget=${id} aria-haspopup="menu">${said.messages.export}</button>
    <div popover id=${id} class="chip-menu msg-menu" role="menu" aria-label=${said.messages.export} @beforetoggle=${(event) => event.newState === "open" && place(event.target)}
      @toggle=${(event) => event.newState === "open" && event.target.querySelector("button").focus()}>${FORMATS.map((format) => html`<button type="button" role="menuitem" class="chip-option"
        @click=${() => fetchAs(format)}><span></span>${said.messages.formats[format]}</button>`)}</div>`;
}
