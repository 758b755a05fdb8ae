// The bar on top of every view: the product's name and the session.
import { html, nothing } from "./vendor/lit-html/lit-html.js";

export const masthead = ({ session, toStart, leave }) => html`<a class="skip" href="#main">Skip to content</a>
  <header class="masthead"><a class="brand" href="/" @click=${toStart}><svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <rect x="2.5" y="5" width="19" height="14" rx="2.5" fill="none" stroke="currentColor" stroke-width="1.7"/>
      <path d="m3.5 7 8.5 6.5L20.500 7" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round"/></svg>Customer Emails</a>
    ${session ? html`<span class="person"><bdi title="Signed in as ${session.name}">${session.name}</bdi>
      <button type="button" class="link" @click=${leave}>Sign out</button></span>` : nothing}</header>`;
