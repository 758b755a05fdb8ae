// The help on keys (?): those of every view, of lists, and of the view that is open.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";
import { said } from "./language.js";
import { preference } from "./preferences.js";
import { VIEWS } from "./views.js";

const key = (name) => html`<kbd>${name}</kbd> `;

const section = (heading, rows) => rows.length
  ? html`<section><h3>${heading}</h3><dl>${rows.map(([what, keys]) => html`<div><dt>${what}</dt><dd>${keys}</dd></div>`)}</dl></section>` : nothing;

export class KeyboardHelp {
  name = "help";

  constructor(app, close) {
    this.app = app;
    this.close = close;
  }

  get label() {
    return said.shell.keys.heading;
  }

  focus(dialog) {
    dialog.querySelector("h2").focus();
  }

  view() {
    const text = said.shell.keys;
    const views = Object.keys(VIEWS).map((view) => [said.shell.views[view], html`${key("G")}${text.then} ${key(VIEWS[view].key.toUpperCase())}`]);
    const here = (this.app.shown?.actions?.() ?? []).filter(({ keys }) => keys).map(({ name, keys }) => [name, keys.split(" ").map(key)]);
    return html`<div class="help-head"><h2 tabindex="-1">${text.heading}</h2>
        <button type="button" class="round" aria-label=${said.shell.close} title=${said.shell.close} @click=${this.close}>${icons.close}</button></div>
      <div class="help-body" tabindex="0" role="group" aria-label=${text.heading}>
        ${section(text.everywhere, [
          [text.palette, html`${key(text.control)}${key("K")}`], [text.find, key("/")], [text.help, key("?")], [text.undo, key("Z")], [text.escape, key("Esc")],
        ])}
        ${section(text.here, here)}
        ${section(text.rows, [
          [text.move, html`${key("↑")}${key("↓")}`], [text.open, key("Enter")], [text.act, html`${key("1")}${key("2")}${key("3")}`],
          [text.choose, key("X")], [text.neighbours, html`${key("Alt")}${key("↑")}${key("↓")}`],
        ])}
        ${section(text.views, views)}</div>
      <p class="help-foot">${preference("letters") ? text.on : text.off}</p>`;
  }
}
