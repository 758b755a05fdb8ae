// The bar of views: at the left on wide screens, below on a phone.
import { html } from "./vendor/lit-html/lit-html.js";
import { readAddress, writeAddress } from "./address.js";
import { said } from "./language.js";
import { VIEWS } from "./views.js";

/** The place at which a view opens from the bar. */
const placeOf = (view) => readAddress(new URL(view === "worklist" ? "/" : `/${view}`, location.href));

const link = (view, { current, app }) => html`<li><a href=${writeAddress(placeOf(view))} aria-current=${view === current ? "page" : "false"}
  @click=${app.to(placeOf(view))}>${said.shell.views[view]}</a></li>`;

export const navigation = (given) => html`<nav class="views" aria-label="Views"><ul>${Object.keys(VIEWS).map((view) => link(view, given))}</ul></nav>`;
