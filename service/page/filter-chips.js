// Filters as chips: outlined with a plus while empty, filled with their value and a cross when set.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";
import { icons } from "./icons.js";
import { said } from "./language.js";
import { number } from "./numbers.js";

/** Options from which on a menu has a field that narrows them. */
const FIND_FROM = 9;
/** Pixels between a chip and its menu, and between a menu and the edge of the window. */
const GAP = 6;
/** After this pause, typed letters start a new word. */
const TYPE_AHEAD_MS = 600;

/**
 * `chips` are `[{ name, label, value, shown, options?, multiple?, input?, content?, opened? }]`: `value` is null, a text,
 * or with `multiple` a list of texts; `shown` its words. A menu has `options` (`[{ value, text, count? }]`), or an
 * `input` (`{ type?, placeholder?, maxlength?, hint? }`) for one text, or a `content(set)` of its own; `opened()` is called
 * when it opens. `set(name, valueOrNull)` is called at once with every choice, `clear()` empties all. `after` follows the
 * chips; `sideways` lets them scroll on a narrow screen rather than wrap.
 */
export function filterChips({ chips, set, clear, label = said.shared.filters, after = nothing, sideways = false }) {
  const some = chips.some((each) => isSet(each.value));
  return html`<div class="chips ${sideways ? "sideways" : ""}" role="group" aria-label=${label}>${repeat(chips, (each) => each.name, (each) => chip(each, set))}${after}${
    some ? html`<button type="button" class="link chips-clear" @click=${clear}>${said.shared.clear}</button>` : nothing}</div>`;
}

const isSet = (value) => value !== null && value !== undefined && (!Array.isArray(value) || value.length > 0);

function chip(each, set) {
  const { name, label, value, shown } = each;
  const menu = `filter-${name}`;
  const opener = html`<button type="button" class="filter-open" id="${menu}-open" popovertarget=${menu} aria-haspopup="dialog">${
    isSet(value) ? html`${label} <b>${shown}</b>` : html`<span class="plus" aria-hidden="true">+</span>${label}`}</button>`;
  return html`<div class="filter ${isSet(value) ? "set" : ""}">${opener}${
    isSet(value) ? html`<button type="button" class="filter-drop" aria-label=${said.shared.removeFilter(label)} @click=${() => dropped(menu, name, set)}>${icons.close}</button>` : nothing}
    <div popover id=${menu} class="chip-menu" role="dialog" aria-label=${label} @toggle=${(event) => toggled(event, each)}
      @keydown=${onKey} @beforetoggle=${(event) => event.newState === "open" && place(event.target)}>${body(each, set)}</div></div>`;
}

/** The cross leaves with its value: the focus goes to the chip. */
function dropped(menu, name, set) {
  set(name, null);
  document.getElementById(`${menu}-open`)?.focus();
}

function body(each, set) {
  if (each.content) return each.content((value) => set(each.name, value));
  if (each.input) return textField(each, set);
  return optionList(each, set);
}

function optionList({ name, label, value, options = [], multiple = false }, set) {
  const chosen = new Set([value ?? []].flat());
  const choose = (option) => {
    if (!multiple) {
      document.getElementById(`filter-${name}`)?.hidePopover?.();
      return set(name, chosen.has(option) ? null : option);
    }
    const next = chosen.has(option) ? [...chosen].filter((other) => other !== option) : [...chosen, option];
    return set(name, next.length ? next : null);
  };
  return html`${options.length >= FIND_FROM
      ? html`<input type="text" class="chip-find" aria-label=${said.shared.narrow(label)} placeholder=${said.shared.narrow(label)} autocomplete="off" spellcheck="false" @input=${narrow}>` : nothing}
    <div role="menu" aria-label=${label} class="chip-options">${options.map((option) => html`<button type="button" class="chip-option"
      role=${multiple ? "menuitemcheckbox" : "menuitemradio"} aria-checked=${chosen.has(option.value) ? "true" : "false"} tabindex="-1"
      data-text=${option.text.toLowerCase()} @click=${() => choose(option.value)}>
      <span class="chip-tick" aria-hidden="true">${chosen.has(option.value) ? icons.check : nothing}</span><bdi>${option.text}</bdi>${
        option.count === undefined ? nothing : html`<span class="chip-count">${number(option.count)}</span>`}</button>`)}
    ${options.length ? nothing : html`<p class="chip-none">${said.shared.nothingToChoose}</p>`}</div>`;
}

function textField({ name, label, value, input }, set) {
  const submit = (event) => {
    event.preventDefault();
    const text = new FormData(event.target).get("value").trim();
    document.getElementById(`filter-${name}`)?.hidePopover?.();
    document.getElementById(`filter-${name}-open`)?.focus();
    set(name, text || null);
  };
  return html`<form class="chip-form" @submit=${submit}><label>${label}
      <input name="value" type=${input.type ?? "text"} .value=${[value ?? ""].flat().join(", ")} placeholder=${input.placeholder ?? ""}
        maxlength=${input.maxlength ?? 320} autocomplete="off" autocapitalize="none" spellcheck="false"></label>
    ${input.hint ? html`<p class="hint">${input.hint}</p>` : nothing}
    <button type="submit" class="button">${said.shared.filterBy}</button></form>`;
}

/** Shows only the options whose text has the typed words. */
function narrow({ target }) {
  const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const option of target.parentElement.querySelectorAll(".chip-option")) {
    option.hidden = !words.every((word) => option.dataset.text.includes(word));
  }
}

function toggled(event, each) {
  if (event.newState !== "open") return;
  const menu = event.target;
  const find = menu.querySelector(".chip-find");
  if (find) {
    find.value = "";
    narrow({ target: find });
  }
  each.opened?.();
  place(menu);
  (menu.querySelector("input") ?? menu.querySelector("[aria-checked=true]") ?? menu.querySelector(".chip-option"))?.focus();
}

/** Below its chip, within the window. */
function place(menu) {
  const box = document.getElementById(`${menu.id}-open`).closest(".filter").getBoundingClientRect();
  const width = Math.max(menu.offsetWidth, 224);
  menu.style.left = `${Math.max(GAP, Math.min(box.left, document.documentElement.clientWidth - width - GAP))}px`;
  menu.style.top = `${box.bottom + GAP}px`;
  menu.style.maxHeight = `${Math.max(160, window.innerHeight - box.bottom - 3 * GAP)}px`;
}

let typed = "";
let typedAt = 0;

/** Arrows, Home and End move; letters go to the next option that starts with them. */
function onKey(event) {
  const menu = event.currentTarget;
  const options = [...menu.querySelectorAll(".chip-option")].filter((each) => !each.hidden);
  const here = options.indexOf(document.activeElement);
  const there = { ArrowDown: options[here + 1] ?? options[0], ArrowUp: options[here - 1] ?? options.at(-1) }[event.key]
    ?? (here < 0 ? null : { Home: options[0], End: options.at(-1) }[event.key] ?? startingWith(event, options, here));
  if (!there) return;
  event.preventDefault();
  there.focus();
}

function startingWith(event, options, here) {
  if (event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey || event.altKey) return null;
  typed = event.timeStamp - typedAt > TYPE_AHEAD_MS ? event.key.toLowerCase() : typed + event.key.toLowerCase();
  typedAt = event.timeStamp;
  const from = typed.length > 1 ? here : here + 1;
  return [...options.slice(from), ...options.slice(0, from)].find((each) => each.dataset.text.startsWith(typed)) ?? null;
}
