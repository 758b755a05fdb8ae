// One row of the two mail lists. A click anywhere on it selects the mail; its button does so by keyboard.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";
import { said } from "./language.js";
import { outcomeLine } from "./outcome-line.js";
import { infoButton } from "./status-icon.js";

/** `list` is the CSS class of its columns; `before` and `after` are cells left and right of the mail's cell. */
export function selectableRow({ edge, index, list, hint = "", subject, name, before = nothing, after, selected, select, open }) {
  const { node, cursor, fresh } = edge;
  const id = node.message.id;
  return html`<div
    role="row" aria-rowindex=${index + 1} data-cursor=${cursor} data-message=${id}
    class="row ${list} ${hint} ${selected ? "selected" : ""} ${fresh ? "fresh" : ""}"
    @click=${(event) => {
      if (event.target.closest("a") || endsTextSelection(event)) return;
      select(id, !selected);
    }}
  >${before}<div role="cell" class="cell mail">
      <div class="mail-line"><button type="button" class="open" aria-pressed=${selected ? "true" : "false"}
        title=${selected ? said.words.selected : said.words.select}
      ><span class="subject">${selected ? html`<span class="tick">${icons.check}</span>` : nothing}${name}</span></button>
        ${clicks(node.clickCount)}</div>${outcomeLine(node.info)}
    </div>${after}<div role="cell" class="cell icon-cell">${infoButton(node.info, id, subject, open)}</div>
  </div>`;
}

/** Whether this click ended a text selection within the row; a selection elsewhere, or before a key press, does not count. */
function endsTextSelection(event) {
  const selection = window.getSelection();
  return event.detail > 0 && !selection.isCollapsed && event.currentTarget.contains(selection.anchorNode);
}

const clicks = (count) => (count ? html`<span class="clicks">${said.words.clicks(count)}</span>` : nothing);
