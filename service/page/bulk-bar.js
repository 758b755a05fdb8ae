// The bar below a list whose rows are chosen: how many, and what can be done with all of them; or the plan of that.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { said } from "./language.js";
import { preference } from "./preferences.js";

/** `actions` are `[{ name, run, kind? }]`; `plan` is shown instead of them; `note` is a sentence, as why there are none. */
export function bulkBar({ count, actions, clear, plan = nothing, note = nothing }) {
  if (!count && plan === nothing) return nothing;
  return html`<div class="bulk ${plan === nothing ? "" : "planned"}" role="region" aria-label=${said.shared.chosenRows}>${
    plan === nothing
      ? html`<div class="bulk-line"><span class="bulk-count">${said.shared.chosen(count)}</span>
          ${actions.map(({ name, run, kind = "" }, index) => html`<button type="button" class="button ${kind}" data-acts aria-keyshortcuts=${index + 1} @click=${run}>${
            index < 9 ? html`<kbd aria-hidden="true">${index + 1}</kbd>` : nothing}${name}</button>`)}
          ${note === nothing ? nothing : html`<span class="bulk-note">${note}</span>`}
          <button type="button" class="link bulk-clear" @click=${clear}>${said.shared.clear}</button></div>`
      : plan}</div>`;
}

/**
 * The number of the button that this key presses, from 0; null when it is no digit, or is typed into something.
 * By the key's place, so that it is the same on every keyboard; never when keys of one letter are switched off.
 */
export function digitOf(event) {
  if (!preference("letters") || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return null;
  if (event.target.closest?.("input:not([type=checkbox]), textarea, select, dialog, [popover], .plan, [contenteditable], [role=textbox]")) return null;
  const [, digit] = /^(?:Digit|Numpad)([1-9])$/.exec(event.code) ?? [];
  return digit ? Number(digit) - 1 : null;
}
