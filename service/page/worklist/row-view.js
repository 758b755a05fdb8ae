// How a row of the worklist is drawn: its shape, what it says, its age, its buttons, and what is open below it.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { said } from "../language.js";
import { age } from "../moments.js";
import { preference } from "../preferences.js";

/** The name: a link to what Enter opens. */
function name(row, shown, triage) {
  const open = (event) => triage.open(row, shown, event);
  if (shown.open) return html`<button type="button" class="wl-open" @click=${open}>${shown.name}</button>`;
  const href = shown.message ? `/messages/${encodeURIComponent(shown.message)}` : writeAddress(shown.place);
  return html`<a class="wl-open" href=${href} data-info=${shown.message ?? nothing} @click=${open}>${shown.name}</a>`;
}

function button(row, action, number, triage) {
  const press = (event) => triage.press(row, action, event);
  const content = html`${preference("letters") ? html`<kbd aria-hidden="true">${number}</kbd>` : nothing}${action.name}`;
  if (action.place) return html`<a class="button wl-button" href=${writeAddress(action.place)} aria-keyshortcuts=${number} @click=${press}>${content}</a>`;
  return html`<button type="button" class="button wl-button" data-acts aria-keyshortcuts=${number} ?disabled=${triage.running.has(row.key)}
    @click=${press}>${content}</button>`;
}

function buttons(row, shown, triage) {
  if (row.gone || triage.app.readOnly || triage.isOpen(row.key)) return nothing;
  // While rows are chosen, the digits press the buttons of the bar.
  return html`<div class="wl-does ${triage.isChoosing ? "away" : ""}">${shown.actions.map((action, index) => button(row, action, index + 1, triage))}</div>`;
}

/** What became of the row, or why nothing did. */
function became(row, triage) {
  const note = triage.notes.get(row.key)?.note;
  const fault = triage.faults.get(row.key);
  return html`<p class="wl-note" role="status">${triage.running.has(row.key) ? said.worklist.row.doing : (note ?? (row.gone ? said.worklist.row.gone : nothing))}</p>
    ${fault ? html`<p class="fault" role="alert">${fault}</p>` : nothing}`;
}

const words = ({ line, outcome, answer, excerpt }) => html`
  ${line ? html`<p class="wl-line">${line}</p>` : nothing}
  ${outcome ?? nothing}
  ${excerpt ? html`<p class="wl-excerpt" dir="auto">${excerpt}</p>` : nothing}
  ${answer ? html`<p class="answer wl-answer" dir="auto">${answer}</p>` : nothing}`;

/** A row; `box` is its check box in a list that can be chosen from. */
export function rowView(row, triage, box = nothing, chosen = false) {
  const shown = triage.faceOf(row);
  return html`<div role="listitem" class="wl-row ${row.gone ? "gone" : ""} ${chosen ? "chosen" : ""}" data-row=${row.key}>${box}
    ${shown.shape ?? html`<span class="status ${shown.tone}">${shown.icon}</span>`}
    <div class="wl-text"><p class="wl-name">${name(row, shown, triage)}</p>${triage.reading.key === row.key ? nothing : words(shown)}${became(row, triage)}</div>
    <span class="wl-age">${row.since ? age(row.since) : nothing}</span>
    ${buttons(row, shown, triage)}
    ${triage.isOpen(row.key) ? html`<div class="wl-below">${triage.planOf(row.key)}${triage.reading.view(row.key)}</div>` : nothing}</div>`;
}
