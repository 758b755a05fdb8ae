// The filters of the list as chips: what each is called, what it may be set to, and how its value reads.
import { html } from "../vendor/lit-html/lit-html.js";
import { valuesOf } from "./filter.js";
import { said } from "../language.js";
import { dayText } from "../moments.js";
import { words } from "../words.js";

const STATUSES = ["QUEUED", "HANDED_OFF", "DEFERRED", "ACCEPTED", "REFUSED", "BOUNCED", "UNCERTAIN", "HELD", "EXPIRED", "CANCELLED", "RECEIVED"];
const CAUSES = [
  "BAD_ADDRESS", "BAD_DOMAIN", "MAILBOX_FULL", "INACTIVE", "POLICY", "SPAM", "AUTHENTICATION", "REPUTATION", "SIZE", "CONTENT", "GREYLISTED", "RATE_LIMITED",
  "RELAY_TROUBLE", "DESTINATION_TROUBLE", "OUR_CONFIGURATION", "UNSUPPORTED", "CONNECTION_LOST", "TIMEOUT", "RESTORED", "SUPPRESSED", "OPTED_OUT", "WRONG_RELAY", "DEADLINE",
  "BY_PERSON", "UNKNOWN",
];
const SOURCES = ["CAMPAIGN", "WORK_ORDER", "E_SIGNATURE", "CARD_PROCESSING"];
const SPANS = ["1d", "7d", "30d", "90d"];
/** Values that a chip names; of more it says how many. */
const NAMED = 2;
/** The chips that are always shown; the others when they are set, or under More. */
const USUAL = ["status", "date", "source", "cause", "campaign", "domain", "direction"];
const RARE = ["attention", "opened", "clicked", "tracked", "sender", "relay", "address"];
/** Only by links of other views: a chip to take them away. */
const LINKED = ["mailing", "customer", "id"];

const options = (values, texts) => values.map((each) => ({ value: each.toLowerCase(), text: texts(each) }));
const yesNo = () => [{ value: "yes", text: said.messages.yes }, { value: "no", text: said.messages.no }];

/** Texts of a chip's values: two, and how many more. */
function shownOf(values, texts) {
  const named = values.slice(0, NAMED).map(texts);
  return values.length > NAMED ? said.messages.andMore(named.join(", "), values.length - NAMED) : named.join(", ");
}

/** `spans` of the date chip, and its two fields. */
function dateContent(query, set) {
  const choose = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    set({ from: form.get("from") || null, to: form.get("to") || null });
    document.getElementById("filter-date")?.hidePopover?.();
  };
  const span = (value) => {
    document.getElementById("filter-date")?.hidePopover?.();
    set({ from: query.from === value && !query.to ? null : value, to: null });
  };
  const day = (value) => (/^\d{4}-\d\d-\d\d/.test(value ?? "") ? value.slice(0, 10) : "");
  return html`<div role="menu" aria-label=${said.messages.chips.date} class="chip-options">${SPANS.map((value) => html`<button type="button" class="chip-option" role="menuitemradio"
      tabindex="-1" aria-checked=${query.from === value && !query.to ? "true" : "false"} data-text=${said.messages.spans[value].toLowerCase()} @click=${() => span(value)}><span></span>${said.messages.spans[value]}</button>`)}</div>
    <form class="chip-form" @submit=${choose}>
      <label>${said.messages.from}<input type="date" name="from" .value=${day(query.from)}></label>
      <label>${said.messages.to}<input type="date" name="to" .value=${day(query.to)}></label>
      <button type="submit" class="button">${said.shared.filterBy}</button></form>`;
}

function dateShown({ from, to }) {
  if (said.messages.spans[from] && !to) return said.messages.spans[from];
  // A day of the address is shown as that day in every zone.
  const text = (value) => {
    const moment = /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T12:00:00` : value;
    // What is no date stands as it is: the list says why the API refuses it.
    return Number.isNaN(Date.parse(moment)) ? value : dayText(moment);
  };
  return said.messages.span(from && text(from), to && text(to));
}

/**
 * The chips for this query. `loaded` has the options of campaign and sender once they were read, `load(name)` reads them,
 * `setDate(change)` sets `from` and `to`, `all` whether those under More are shown, too.
 */
export function messageChips(query, { loaded, load, setDate, all }) {
  const names = [...USUAL, ...RARE.filter((name) => all || query[name] !== undefined), ...LINKED.filter((name) => query[name] !== undefined)];
  return names.map((name) => ({ name, label: said.messages.chips[name], ...chipOf(name, query, { loaded, load, setDate }) }));
}

/** Whether there are chips that More would show. */
export const hasMore = (query) => RARE.some((name) => query[name] === undefined);

function chipOf(name, query, { loaded, load, setDate }) {
  const values = valuesOf(query, name);
  const list = (texts, given, more = {}) => ({ value: query[name] === undefined ? null : values, shown: shownOf(values, texts), options: given, multiple: true, ...more });
  const upper = (value) => value.toUpperCase().replaceAll("-", "_");
  if (name === "status") return list((each) => words.statusShort(upper(each)), options(STATUSES, words.statusShort));
  if (name === "cause") return list((each) => words.cause(upper(each)), options(CAUSES, words.cause));
  if (name === "source") return list((each) => words.source(upper(each)), options(SOURCES, words.source));
  if (name === "campaign" || name === "sender") {
    const given = loaded[name] ?? [];
    return list((each) => given.find((option) => option.value === each)?.text ?? "…", given, { opened: () => load(name) });
  }
  if (name === "date") {
    const isSet = query.from !== undefined || query.to !== undefined;
    return { value: isSet ? "set" : null, shown: isSet ? dateShown(query) : "", content: () => dateContent(query, setDate) };
  }
  if (name === "direction") {
    const given = ["sent", "received"].map((value) => ({ value, text: said.messages.directions[value] }));
    return { value: query.direction ?? null, shown: said.messages.directions[query.direction] ?? query.direction, options: given };
  }
  if (LINKED.includes(name)) return { value: query[name] ?? null, shown: said.messages.linked(values.length), content: () => html`<p class="chip-none">${said.messages.linkedBy}</p>` };
  if (["domain", "relay", "address"].includes(name)) {
    return { value: query[name] ?? null, shown: shownOf(values, String), input: { placeholder: said.messages.placeholders[name], hint: said.messages.severalByComma } };
  }
  return { value: query[name] ?? null, shown: said.messages[query[name] === "no" ? "no" : "yes"], options: yesNo() };
}
