// The frame of every view: the bar of views with search, zone and reader, the lines above the view, and the view.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";
import { said } from "./language.js";
import { zoneName } from "./moments.js";
import { morePlaces, navigation } from "./navigation.js";

const mark = html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
  <rect x="2.5" y="5" width="19" height="14" rx="2.5" fill="none" stroke="currentColor" stroke-width="1.7"/>
  <path d="m3.5 7 8.5 6.5L20.5 7" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round"/></svg>`;

const brand = (app) => html`<a class="brand" href="/" title=${said.shell.toWorklist} @click=${app.toWorklist}>${mark}<span>${said.shell.product}</span></a>`;

/** Whether the service answers, the zone of all times, and who is signed in. */
const sideEnd = ({ app, session, leave }) => html`<div class="side-end">
  <span class="reach ${app.offline ? "" : "reached"}" title=${said.shell.reach[app.offline ? "offline" : "live"][1]}>${said.shell.reach[app.offline ? "offline" : "live"][0]}</span>
  <span>${said.shell.timesIn(zoneName())}</span>
  <span class="person"><bdi title=${said.shell.signedInAs(session.name)}>${session.name}</bdi>
    ${session.readOnly ? html`<span class="mark" title=${said.shell.readOnlyWhy}>${said.shell.readOnly}</span>` : nothing}
    <button type="button" class="link" @click=${leave}>${said.shell.signOut}</button></span></div>`;

function bars(given) {
  const { app } = given;
  const search = () => app.openOverlay("palette");
  return html`<header class="bars">
    <div class="top">${brand(app)}<button type="button" class="round" aria-label=${said.shell.jump} @click=${search}>${icons.search}</button></div>
    <div class="side">${brand(app)}
      <button type="button" class="find" aria-keyshortcuts="Control+K" title=${said.shell.jump} @click=${search}
        >${icons.search}<span>${said.shell.search}</span><kbd aria-hidden="true">${said.shell.keys.control} K</kbd></button>
      ${navigation(given)}${sideEnd(given)}</div>
    ${morePlaces(given, () => sideEnd(given))}</header>`;
}

const banners = (app, fault) => html`${app.offline ? html`<p class="banner" role="status">${said.shell.offline}</p>` : nothing}
  ${fault ? html`<p class="banner" role="alert">${fault}</p>` : nothing}`;

/** `session` is null while nobody is signed in: the view then stands alone. */
export const frame = (given) => html`<a class="skip" href="#main">${said.shell.skip}</a>
  <div class=${given.session ? "console" : "alone"}>
    ${given.session ? bars(given) : html`<header class="top-alone">${brand(given.app)}</header>`}
    <div class="body">${banners(given.app, given.fault)}<main id="main" tabindex="-1">${given.content}</main></div>
  </div>`;
