// The bar of views: at the left on wide screens, below on a phone, where five places stand and More has the rest.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { readAddress, writeAddress } from "./address.js";
import { said } from "./language.js";
import { number } from "./numbers.js";
import { viewIcons } from "./view-icons.js";
import { VIEWS } from "./views.js";

/** The places that stand on a phone, beside More. */
const FIRST = ["worklist", "messages", "customers", "campaigns"];
const GROUPS = ["work", "sending", "running"];

/** The place at which a view opens from the bar. */
export const placeOf = (view) => readAddress(new URL(view === "worklist" ? "/" : `/${view}`, location.href));

const ofGroup = (group) => Object.keys(VIEWS).filter((view) => VIEWS[view].group === group);

function link(view, { current, waiting, app }) {
  const count = view === "worklist" && waiting;
  return html`<li class=${FIRST.includes(view) ? "first" : ""}><a href=${writeAddress(placeOf(view))} aria-current=${view === current ? "page" : "false"}
    @click=${app.to(placeOf(view))}>${viewIcons[view]}<span>${said.shell.views[view]}</span>${count
      ? html`<span class="count" title=${said.shell.waiting(number(count))}>${number(count)}</span>` : nothing}</a></li>`;
}

const more = (current) => html`<ul class="small-only"><li class="first"><button type="button" class="place ${FIRST.includes(current) ? "" : "here"}"
  popovertarget="more" aria-haspopup="true">${viewIcons.more}<span>${said.shell.more}</span></button></li></ul>`;

/** `current` is the view shown, `waiting` how many things wait for a person, or null. */
export const navigation = (given) => html`<nav class="nav" aria-label=${said.shell.bar}>
  ${GROUPS.map((group) => html`<ul aria-label=${said.shell.groups[group]}>${ofGroup(group).map((view) => link(view, given))}</ul>`)}
  ${more(given.current)}</nav>`;

/** Whether More is open: what it shows is not in the page before. */
let open = false;

/** What More opens on a phone: the other views, and `end`, the end of the side bar. */
export function morePlaces(given, end) {
  const others = Object.keys(VIEWS).filter((view) => !FIRST.includes(view));
  const turn = (event) => {
    open = event.newState === "open";
    given.app.changed();
  };
  return html`<div id="more" class="more" popover aria-label=${said.shell.more} @beforetoggle=${turn} @click=${(event) => event.currentTarget.hidePopover()}>${
    open ? html`<ul>${others.map((view) => link(view, given))}</ul>${end()}` : nothing}</div>`;
}
