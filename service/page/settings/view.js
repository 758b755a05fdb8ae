// Settings: how this page looks and reads for you. All of it is kept in this browser and holds at once.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { exactMoment, momentText } from "../moments.js";
import { chosenPreference, LANGUAGES, preference, setPreference } from "../preferences.js";
import { session } from "../session.js";

/** Each language in its own words. */
const NAMES = { "en-US": "English (US)", "en-GB": "English (UK)", de: "Deutsch" };

export class Settings {
  constructor(place, app) {
    this.app = app;
    this.place = place;
  }

  get title() {
    return said.shell.views.settings;
  }

  shows(place) {
    return place.view === "settings";
  }

  arrive(place) {
    this.place = place;
  }

  leave() {}

  resume() {}

  drawn() {}

  actions() {
    const text = said.settings;
    return ["system", "light", "dark"].map((theme) => ({ name: text.useTheme(text.themes[theme]), run: () => this.choose("theme", theme === "system" ? null : theme) }));
  }

  choose(name, value) {
    setPreference(name, value);
    this.app.announce(said.settings.kept);
  }

  /** A choice of few: radio buttons, which arrow keys move between. `options`: `[value, name]`, null for the browser's. */
  radios(name, options) {
    const text = said.settings[name];
    const chosen = chosenPreference(name);
    return html`<fieldset class="set"><legend>${text.label}</legend>${text.why ? html`<p class="hint">${text.why}</p>` : nothing}
      <div class="set-choices">${options.map(([value, shown]) => html`<label class="set-choice"><input type="radio" name=${name} value=${value ?? ""}
        .checked=${chosen === value} @change=${() => this.choose(name, value)}><span>${shown}</span></label>`)}</div></fieldset>`;
  }

  zones() {
    const text = said.settings.zone;
    const chosen = chosenPreference("zone");
    const zones = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone"), ...(chosen ? [chosen] : [])])];
    const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    return html`<div class="set"><label for="set-zone" class="set-label">${text.label}</label><p id="set-zone-why" class="hint">${text.why(momentText(new Date().toISOString()))}</p>
      <select id="set-zone" aria-describedby="set-zone-why" @change=${(event) => this.choose("zone", event.target.value || null)}>
        <option value="" .selected=${!chosen}>${text.own(own)}</option>
        ${zones.map((zone) => html`<option value=${zone} .selected=${zone === chosen}>${zone.replaceAll("_", " ")}</option>`)}</select></div>`;
  }

  letters() {
    const text = said.settings.letters;
    return html`<div class="set"><label class="switch"><input type="checkbox" role="switch" aria-describedby="set-letters-why" .checked=${preference("letters")}
      @change=${(event) => this.choose("letters", event.target.checked)}><span class="set-label">${text.label}</span></label>
      <p id="set-letters-why" class="hint">${text.why}</p></div>`;
  }

  account() {
    const text = said.settings.account;
    const { name, expiresAt, readOnly, content } = session() ?? {};
    return html`<section class="set-account" aria-labelledby="set-account"><h2 id="set-account">${text.heading}</h2>
      <dl class="facts-of-mail"><div><dt>${text.name}</dt><dd><bdi>${name}</bdi></dd></div>
        <div><dt>${text.may}</dt><dd><ul class="set-may"><li>${readOnly ? text.lookAt : text.act}</li><li>${content ? text.read : text.notRead}</li></ul></dd></div>
        ${expiresAt ? html`<div><dt>${text.until}</dt><dd>${exactMoment(expiresAt)}</dd></div>` : nothing}</dl>
      <p class="set-buttons"><button type="button" class="button" @click=${() => this.app.signOut()}>${said.shell.signOut}</button>
        <button type="button" class="button" @click=${() => this.app.openOverlay("help")}>${said.shell.palette.showKeys}</button></p></section>`;
  }

  view() {
    const text = said.settings;
    return html`<header class="heading"><h1>${said.shell.views.settings}</h1><p class="hint">${text.sub}</p></header>
      <div class="settings">
        ${this.radios("theme", [[null, text.themes.system], ["light", text.themes.light], ["dark", text.themes.dark]])}
        ${this.radios("language", [[null, text.language.own], ...LANGUAGES.map((each) => [each, html`<span lang=${each}>${NAMES[each]}</span>`])])}
        ${this.zones()}
        ${this.radios("density", [[null, text.density.normal], ["compact", text.density.compact]])}
        ${this.letters()}
        ${this.account()}
      </div>`;
  }
}

export const open = (place, app) => new Settings(place, app);
