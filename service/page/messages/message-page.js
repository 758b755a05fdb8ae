// One message as a page of its own: what "Copy link" copies, what a new tab opens, and what is printed.
import { html } from "../vendor/lit-html/lit-html.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { copyLink, messageParts } from "../message/email-info.js";
import { InfoSheet, pageOf } from "../message/info-sheet.js";

const LIST = { view: "messages", path: [], query: {} };

export class MessagePage {
  constructor(place, app) {
    this.app = app;
    this.place = place;
    this.customer = null;
    this.sheet = new InfoSheet(this, app);
  }

  // What a sheet asks of its page: there are no rows here.
  neighbour = () => null;
  reread = () => {};
  select = null;
  open = (id) => this.app.go(pageOf(id));
  close = () => this.app.go(LIST);

  get title() {
    return this.sheet.message?.subject ?? said.message.message;
  }

  shows(place) {
    return place.view === "messages" && place.path.length === 1;
  }

  arrive(place) {
    this.place = place;
    this.sheet.show(place.path[0]);
    this.app.changed();
  }

  leave() {
    this.sheet.clear(null);
  }

  resume() {
    if (this.sheet.id) this.sheet.read();
  }

  drawn() {}

  view() {
    return html`<article class="msg-page info">
      <div class="msg-page-bar"><a class="back" href="/messages" @click=${this.app.to(LIST)}>${icons.back}${said.message.toList}</a>
        <span class="info-bar-end">${copyLink(this.sheet)}<button type="button" class="button quiet" @click=${() => window.print()}>${said.messages.print}</button></span></div>
      ${messageParts(this.sheet, 1)}</article>`;
  }
}
