// The palette and the help on keys: each is loaded when it is first opened, and lies over every view.
import { html } from "./vendor/lit-html/lit-html.js";
import { said } from "./language.js";

const LOADED = {
  palette: async () => (await import("./palette.js")).Palette,
  help: async () => (await import("./keyboard-help.js")).KeyboardHelp,
};

export class Overlays {
  /** `app()` returns the page's `app`. */
  constructor(app) {
    this.app = app;
    this.made = {};
    this.current = null;
  }

  /** Opens one, instead of what is open. */
  async open(name) {
    try {
      this.made[name] ??= new (await LOADED[name]())(this.app(), () => this.close());
    } catch {
      this.app().announce(said.shell.offline);
      return;
    }
    this.current?.closed?.();
    this.current = this.made[name];
    this.current.opened?.();
    this.app().changed();
  }

  close() {
    this.current?.closed?.();
    this.current = null;
    // At once: while it is open, the view that one goes to cannot take the focus.
    this.dialog?.close();
    this.app().changed();
  }

  view() {
    const { current } = this;
    return html`<dialog class="overlay ${current?.name ?? ""}" aria-label=${current?.label ?? ""} @cancel=${this.onCancel} @click=${this.onClick}>${current?.view()}</dialog>`;
  }

  onCancel = (event) => {
    event.preventDefault();
    this.close();
  };

  /** A click beside it closes it. */
  onClick = (event) => {
    if (event.target === event.currentTarget) this.close();
  };

  /** After each rendering: the dialog is open while something is current. */
  drawn(root) {
    const dialog = root.querySelector("dialog.overlay");
    this.dialog = dialog;
    if (!dialog) return;
    if (this.current && !dialog.open) {
      dialog.showModal();
      this.current.focus?.(dialog);
    } else if (!this.current && dialog.open) {
      dialog.close();
    }
    this.current?.drawn?.(dialog);
  }
}
