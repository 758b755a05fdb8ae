// What the popover of a message shows: loaded when one is opened, or before, once there is time.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { copyLink, messageParts } from "./email-info.js";
import { icons } from "../icons.js";
import { pageOf } from "./info-sheet.js";
import { said } from "../language.js";

export { InfoSheet } from "./info-sheet.js";

/** Newer and older, where there are such rows; at the end of the list the button is gone. */
const turner = (sheet, id, picture, name) => (id
  ? html`<button type="button" class="round" aria-label=${name} title=${name} aria-keyshortcuts=${picture === icons.up ? "Alt+ArrowUp" : "Alt+ArrowDown"}
      @click=${() => sheet.turn(id)}>${picture}</button>` : nothing);

const bar = (sheet) => html`<div class="info-bar">
    ${turner(sheet, sheet.newer, icons.up, said.message.newer)}${turner(sheet, sheet.older, icons.down, said.message.older)}
    <span class="info-bar-end">${copyLink(sheet)}
      <a class="button quiet" href=${sheet.pageHref} title=${said.message.openAsPage} @click=${sheet.app.to?.(pageOf(sheet.id))}>${icons.leaves}<span class="info-word">${said.message.openAsPage}</span></a>
      <button type="button" class="round close" aria-label=${said.message.close} title=${said.message.close} @click=${() => sheet.close()}>${icons.close}</button></span>
  </div>`;

export const popover = (sheet) => html`${bar(sheet)}${messageParts(sheet)}`;
