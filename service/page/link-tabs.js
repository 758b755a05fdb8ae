// Tabs that are places of their own: links, so that each can be copied, opened beside this one and left by Back.
import { html, nothing } from "./vendor/lit-html/lit-html.js";

/** By element: the tab that was brought into sight, so that a reader who scrolls the tabs keeps their place. */
const shown = new WeakMap();

const tab = ({ href, text, count, current, follow }) => html`<li><a class="link-tab" href=${href} aria-current=${current ? "page" : nothing} @click=${follow}
  >${text}${count == null ? nothing : html` <span class="link-tab-count">${count.toLocaleString()}</span>`}</a></li>`;

/**
 * `label` names the tabs; each is `{ href, text, count, current, follow }`: `count` a number or null, `follow` what a
 * click does (`app.to(place)`). The view calls `drawnTabs(root)` after each rendering.
 */
export const linkTabs = ({ label, tabs }) => html`<nav class="link-tabs" aria-label=${label}><ul>${tabs.map(tab)}</ul></nav>`;

/** Brings the current tab into sight, once each time another one is current: on a phone the tabs scroll sideways. */
export function drawnTabs(root) {
  for (const tabs of root.querySelectorAll(".link-tabs")) {
    const current = tabs.querySelector("[aria-current]");
    const address = current?.getAttribute("href");
    if (!current || shown.get(tabs) === address) continue;
    shown.set(tabs, address);
    const [box, place] = [tabs.getBoundingClientRect(), current.getBoundingClientRect()];
    if (place.left < box.left) tabs.scrollLeft += place.left - box.left;
    else if (place.right > box.right) tabs.scrollLeft += place.right - box.right;
  }
}
