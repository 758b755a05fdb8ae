// What an action will do, said before it does it: how many it touches, how many it does not, and why.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { said } from "./language.js";
import { number } from "./numbers.js";

/** One line of a plan: how many, what happens to them, and a sentence or link below. */
export const planLine = (count, what, detail = nothing) => html`<span class="plan-count">${number(count)}</span>
  <span class="plan-what">${what}${detail === nothing ? nothing : html`<small>${detail}</small>`}</span>`;

/** A line for each reason why messages stay as they are, `[{ reason, messages }]`; `status` says what it is about theirs. */
export const stayLines = (stay, status = said.shared.stayWhy.STATUS) =>
  stay.map(({ reason, messages }) => planLine(messages, said.shared.stay(messages === 1), reason === "STATUS" ? status : said.shared.stayWhy[reason]));

/**
 * The panel. `lines` are templates, most by `planLine`; `confirm` is the button's whole text with its number, or null
 * where nothing would be done; `act()` does it, `back()` leaves. `busy` while it is done, `fault` why it was not.
 * `fields` are what has to be filled in, of which `act` gets the FormData. `id` where a page may show two.
 */
export function plan({ heading, lines, confirm, busy = false, fault = null, act, back, fields = nothing, id = "plan" }) {
  const submit = (event) => {
    event.preventDefault();
    if (!busy) act(new FormData(event.target));
  };
  const onKey = (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    back();
  };
  return html`<section class="plan" aria-labelledby="${id}-heading" aria-busy=${busy ? "true" : "false"} @keydown=${onKey}>
    <form @submit=${submit}>
      <h2 id="${id}-heading">${heading}</h2>
      <ul class="plan-lines">${lines.map((line) => html`<li>${line}</li>`)}</ul>
      ${fields}
      <p class="fault" role="alert">${fault ?? nothing}</p>
      <div class="plan-buttons">
        ${confirm ? html`<button type="submit" class="button primary" data-acts aria-disabled=${busy ? "true" : "false"}>${confirm}</button>` : nothing}
        <button type="button" class="button" @click=${back}>${said.shared.back}</button>
      </div>
    </form></section>`;
}

/** Once the plan is drawn: the focus goes to its first field, else to the button that does it, else to Back. */
export function focusPlan(root = document) {
  const found = root.querySelector(".plan :is(input, select, textarea)") ?? root.querySelector(".plan .button");
  found?.focus();
  return Boolean(found);
}
