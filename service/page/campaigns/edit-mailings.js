// The letter and the time of each mailing of a draft.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { timeFault } from "./edit-checks.js";
import { shownMailings } from "./edit-draft.js";
import { findTemplates } from "./edit-queries.js";
import { cityOf } from "./edit-times.js";
import { said } from "../language.js";
import { Picker } from "../picker.js";
import { preference } from "../preferences.js";

/** Characters of a subject line, as the API has it. */
const MAX_SUBJECT = 998;
/** As the API has them. */
const MAX_DAYS = 3_650;
const MAX_MINUTES = 1_440;

/** The picker of a mailing's template. */
export const mailingPickers = (editor, mailing) => new Picker({
  id: `edit-template-${mailing.key}`, label: said.edit.template, placeholder: said.edit.findTemplate, changed: () => editor.app.changed(),
  read: editor.app.guard(async (search) => (await findTemplates(search)).map((each) => ({ id: each.id, text: each.name, hint: said.edit.version(each.version), template: each }))),
  pick: ({ template }) => {
    editor.changeMailing(mailing, {
      template: { id: template.id, name: template.name }, version: template.version, newest: template.version,
      templateSubject: template.newest.subject, subject: template.newest.subject,
    });
    editor.next();
  },
});

function pinned(editor, mailing) {
  const there = { view: "templates", path: [mailing.template.id], query: { version: String(mailing.version) } };
  const other = () => {
    mailing.template = null;
    editor.focusNext = `edit-template-${mailing.key}`;
    editor.app.changed();
  };
  return html`<p class="edit-pinned"><a id="edit-template-${mailing.key}" href=${writeAddress(there)} @click=${editor.app.to(there)}><bdi>${mailing.template.name}</bdi></a>
    <span class="hint">${said.edit.version(mailing.version)}</span>
    <button type="button" class="link" @click=${other}>${said.edit.otherTemplate}</button>
    ${mailing.newest > mailing.version ? html`<button type="button" class="link" @click=${() => editor.changeMailing(mailing, { version: mailing.newest })}>${said.edit.useNewest(mailing.newest)}</button>` : nothing}</p>`;
}

const heading = (editor, mailing, place) => (shownMailings(editor.draft).length > 1 ? html`<legend>${said.edit.mailing(place + 1)}</legend>` : nothing);

function letterOfMailing(editor, mailing, place) {
  const mailings = shownMailings(editor.draft);
  const fault = editor.saver.faults.get(mailing.key);
  const subject = `edit-subject-${mailing.key}`;
  return html`<fieldset class="edit-mailing">${heading(editor, mailing, place)}
    ${mailing.template ? pinned(editor, mailing) : editor.pickersOf(mailing).view()}
    <div class="edit-field"><label for=${subject}>${said.edit.subject}</label>
      <input id=${subject} type="text" maxlength=${MAX_SUBJECT} .value=${mailing.subject} ?disabled=${!mailing.template}
        @input=${(event) => editor.changeMailing(mailing, { subject: event.target.value }, { soon: false })}></div>
    ${fault ? html`<p class="fault" role="alert">${fault.message}</p>` : nothing}
    ${place ? html`<label class="tick"><input type="checkbox" .checked=${Boolean(mailing.notOpened)} ?disabled=${!mailings[0].id}
      @change=${(event) => editor.changeMailing(mailing, { notOpened: event.target.checked ? mailings[0].id : null })}> ${said.edit.notOpened}</label>` : nothing}
    <div class="edit-links">${mailing.template ? editor.letter.view(mailing) : nothing}
      ${mailings.length > 1 ? html`<button type="button" class="link" @click=${() => editor.removeMailing(mailing)}>${said.edit.removeMailing(place + 1)}</button>` : nothing}</div>
  </fieldset>`;
}

/** Section 3. */
export const letters = (editor) => html`${shownMailings(editor.draft).map((each, place) => letterOfMailing(editor, each, place))}
  <button type="button" class="link" @click=${() => editor.addMailing()}>${said.edit.another}</button>`;

/** A time of a clock, whatever its zone: "Nov 30, 9:00 AM". */
const localText = (local) => (local ? new Date(`${local}:00Z`).toLocaleString(preference("language"), {
  month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZone: "UTC" }) : "");

/** When a mailing goes, as words: "now", "Nov 30, 9:00 AM in Denver". */
export function whenWords({ when }) {
  const words = said.edit.when;
  if (when.kind === "now") return words.atOnce;
  if (when.kind === "after") return words.afterWords(when);
  const shown = localText(when.local);
  return when.kind === "at" ? words.inZone(shown, cityOf(when.zone)) : words.inEach(shown);
}

function whenOfMailing(editor, mailing, place) {
  const { when, key } = mailing;
  const words = said.edit.when;
  const event = editor.draft.kind === "EVENT_BASED";
  const set = (values, soon = true) => editor.changeMailing(mailing, { when: { ...when, ...values } }, { soon });
  const radio = (kind, text, more = nothing) => html`<div class="edit-when"><label class="tick"><input type="radio" name="when-${key}" value=${kind}
      id=${kind === when.kind ? `edit-when-${key}` : nothing} .checked=${when.kind === kind} @change=${() => set({ kind })}> ${text}</label>
    ${when.kind === kind ? more : nothing}</div>`;
  const local = html`<input type="datetime-local" aria-label=${words.time} .value=${when.local} @change=${(change) => set({ local: change.target.value })}>`;
  const fault = timeFault(mailing, Date.now());
  return html`<fieldset class="edit-mailing">${shownMailings(editor.draft).length > 1 ? heading(editor, mailing, place) : html`<legend class="unseen">${said.edit.sections.when}</legend>`}
    ${event ? nothing : radio("now", words.now)}
    ${event ? nothing : radio("at", words.at, html`<span class="edit-line">${local} <span>${words.zone(cityOf(when.zone))}</span></span>`)}
    ${event ? nothing : radio("local", words.each, local)}
    ${radio("after", event ? words.afterEvent : words.after, html`<span class="edit-line">
      <label>${words.days} <input type="number" min="0" max=${MAX_DAYS} .value=${String(when.days)} @input=${(change) => set({ days: numberOf(change, MAX_DAYS) }, false)}></label>
      <label>${words.minutes} <input type="number" min="0" max=${MAX_MINUTES} .value=${String(when.minutes)} @input=${(change) => set({ minutes: numberOf(change, MAX_MINUTES) }, false)}></label>
      <label>${words.notBefore} <input type="time" .value=${when.localTime} @change=${(change) => set({ localTime: change.target.value })}></label></span>`)}
    ${fault ? html`<p class="fault" role="alert">${fault}</p>` : nothing}</fieldset>`;
}

const numberOf = ({ target }, most) => Math.min(Math.max(Math.trunc(Number(target.value)) || 0, 0), most);

/** Section 4. */
export const times = (editor) => shownMailings(editor.draft).map((each, place) => whenOfMailing(editor, each, place));
