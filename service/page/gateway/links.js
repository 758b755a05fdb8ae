// Links from figures to the messages that they count.
import { html } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { dayOf } from "../moments.js";

/** The place of a list of messages with these filters. */
export const messagesOf = (query) => ({ view: "messages", path: [], query });

export const link = (app, place, text) => html`<a href=${writeAddress(place)} @click=${app.to(place)}>${text}</a>`;

/** Today as addresses have it: `2026-11-29`, in the reader's zone. */
export const today = () => dayOf(Date.now());
