// The status icon: its colour is the API's hint; its shape and its text say the same without colour.
import { html } from "./vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";
import { said } from "./language.js";
import { words } from "./words.js";

const CLASS = { GREY: "grey", BLUE: "blue", RED: "red", AMBER: "amber" };

/** The CSS class of a colour hint; grey for an unknown one. */
export const hintClass = (hint) => CLASS[hint] ?? "grey";

function shape({ colorHint, status }) {
  if (colorHint === "RED") return icons.failed;
  if (colorHint === "AMBER") return status === "UNCERTAIN" ? icons.uncertain : icons.waiting;
  return status === "RECEIVED" ? icons.letter : icons.info;
}

/** The icon alone, for places with the status as text beside it. */
export const statusShape = (info) => html`<span class="status ${hintClass(info.colorHint)}">${shape(info)}</span>`;

/** The icon with the status as its text. */
export const statusIcon = (info) => html`<span class="status ${hintClass(info.colorHint)}" title=${words.status(info.status)}
  >${shape(info)}<span class="unseen">${words.status(info.status)}</span></span>`;

/** The info icon of a row: a button that opens the popover. */
export const infoButton = (info, messageId, subject, open, tabindex = 0) => html`<button
  type="button" class="info-button ${hintClass(info.colorHint)}" data-info=${messageId}
  title=${said.words.details(words.status(info.status))} aria-haspopup="dialog" tabindex=${tabindex}
  aria-label=${said.words.detailsOf(words.status(info.status), subject ?? said.words.thisMail)}
  @click=${(event) => {
    event.stopPropagation();
    open(messageId);
  }}
>${shape(info)}</button>`;
