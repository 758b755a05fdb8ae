// The editor as it is drawn: head, source beside preview, what is wrong below the source.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { failure, notice, skeleton } from "../notices.js";
import { sampled } from "./merge-fields.js";
import { splitHandle, splitStyle } from "./split.js";
import { by } from "./version-list.js";

const LIST = { view: "templates", path: [], query: {} };
/** Bytes that mail programs show whole. */
const SHOWN_KB = 100;

const back = (app) => html`<a class="back" href=${writeAddress(LIST)} @click=${app.to(LIST)}>${icons.back}${said.templates.title}</a>`;

/** Which version this is, and whether the draft is kept. */
function status(editor) {
  const { viewed, template, isChanged, isNew } = editor;
  if (viewed) return html`${said.templates.versionOf(viewed.number, template.version)}, ${moment(viewed.createdAt)}${by(viewed)}`;
  if (!isNew && !isChanged) return html`${said.templates.versionNumber(template.version)}, ${said.templates.published.toLowerCase()} ${moment(template.newest.createdAt)}${by(template.newest)}`;
  const kept = editor.keeping ? (editor.keptAt ? html` · ${said.templates.draftKept} ${moment(editor.keptAt)}` : nothing) : html` · <b class="red">${said.templates.draftNotKept}</b>`;
  return html`${said.templates.draftOf(editor.nextVersion)}${kept}`;
}

function buttons(editor) {
  const { app } = editor;
  const button = (text, run, given = {}) => html`<button type="button" class="button ${given.primary ? "primary" : ""}" data-acts=${given.primary ? "" : nothing} aria-expanded=${given.expanded ?? nothing}
    aria-disabled=${given.busy ? "true" : "false"} @click=${run}>${text}</button>`;
  const expanded = (open) => (open ? "true" : "false");
  const versions = editor.panel === "versions";
  return html`<div class="tp-buttons">
    ${app.readOnly ? nothing : button(said.templates.sendTest, () => toggleTest(editor), { expanded: expanded(editor.test.open) })}
    ${editor.isNew ? nothing : button(said.templates.versions, () => app.query({ versions: versions ? null : "" }), { expanded: expanded(versions) })}
    ${editor.viewed || editor.isNew || !editor.isChanged || app.readOnly ? nothing : button(said.templates.discard, () => editor.discard())}
    ${editor.viewed || !editor.isChanged || app.readOnly ? nothing
      : button(editor.publishing ? said.templates.publishing : said.templates.publish(editor.nextVersion), () => editor.publish(), { primary: true, busy: editor.publishing })}</div>`;
}

/** One panel at a time. */
function toggleTest(editor) {
  editor.test.toggle();
  if (editor.panel) editor.app.query({ versions: null });
}

const head = (editor) => html`<header class="heading tp-head"><div>${back(editor.app)}
    <h1><bdi>${editor.template?.name ?? said.templates.newTemplate}</bdi></h1><p class="tp-status">${status(editor)}</p></div>${buttons(editor)}</header>`;

/** What the reader has to know before going on. */
function notes(editor) {
  const { app, viewed, template, base, isChanged } = editor;
  const query = (change) => () => app.query(change);
  return html`${editor.fault ? html`<p class="tp-note red" role="alert">${editor.fault}</p>` : nothing}
    ${viewed ? html`<p class="tp-note">${said.templates.viewing(viewed.number)}
      ${app.readOnly ? nothing : html`<button type="button" class="link" @click=${() => editor.takeVersion()}>${said.templates.takeVersion}</button>`}
      <button type="button" class="link" @click=${query({ version: null, compare: null })}>${said.templates.toDraft}</button></p>` : nothing}
    ${!viewed && template && isChanged && base < template.version ? html`<p class="tp-note amber">${said.templates.publishedSince(template.version)}
      <button type="button" class="link" @click=${query({ compare: template.version })}>${said.templates.compare}</button></p>` : nothing}`;
}

const field = ({ id, label, value, input, readOnly, max, name = "" }) => html`<label class="tp-label" for=${id}>${label}</label>
  <input id=${id} name=${name} class="tp-field" type="text" autocomplete="off" maxlength=${max} ?readonly=${readOnly} .value=${value} @input=${(event) => input(event.target.value)}>`;

/** Name, kind and subject. */
function fields(editor) {
  const { shown, isNew } = editor;
  const fixed = Boolean(editor.viewed) || Boolean(editor.app.readOnly);
  const kind = (value) => html`<button type="button" class="choice" aria-pressed=${shown.kind === value ? "true" : "false"} @click=${() => editor.writeIn(value)}>${value}</button>`;
  return html`<div class="tp-fields">
    ${isNew ? html`<div class="tp-two"><div>${field({ id: "tp-name", label: said.templates.name, value: shown.name, max: 255, input: (name) => editor.write({ name }) })}</div>
      <div class="choices" role="group" aria-label=${said.templates.kind}>${kind("MJML")}${kind("HTML")}</div></div>` : nothing}
    ${field({ id: "tp-subject", label: said.templates.subject, value: shown.subject, max: 998, readOnly: fixed, input: (subject) => editor.write({ subject }) })}
    ${more(editor, fixed)}</div>`;
}

/** Sample values, text part and language: folded, since most letters need none of them. */
function more(editor, fixed) {
  const { shown } = editor;
  const names = [...new Set([...sampled(editor.preview.fields), ...Object.keys(shown.sample)])].sort();
  return html`<details class="tp-more"><summary>${said.templates.more(names.length)}</summary>
    <div class="tp-more-fields">${names.map((name, place) => field({
      id: `tp-sample-${place}`, label: name, value: shown.sample[name] ?? "", max: 10_000, readOnly: fixed,
      input: (value) => editor.write({ sample: { ...editor.letter.sample, [name]: value } }),
    }))}
    ${field({ id: "tp-locale", label: said.templates.locale, value: shown.locale, max: 35, readOnly: fixed, input: (locale) => editor.write({ locale }) })}
    <label class="tp-label" for="tp-text">${said.templates.textPart}</label>
    <textarea id="tp-text" class="tp-field" rows="5" ?readonly=${fixed} placeholder=${said.templates.textHint} .value=${shown.text} @input=${(event) => editor.write({ text: event.target.value })}></textarea>
    </div></details>`;
}

const SHAPES = { error: icons.failed, stop: icons.failed, warning: icons.warning };

function problem(editor, { kind, line, text }) {
  const shown = html`<span class="tp-shape ${kind === "warning" ? "amber" : "red"}">${SHAPES[kind]}<span class="unseen">${said.templates.severity[kind]}</span></span>`;
  return html`<li>${shown}${line === null ? html`<span>${text}</span>`
    : html`<button type="button" class="link tp-goto" @click=${() => goTo(editor, line)}>${said.templates.line(line)}</button> <span>${text}</span>`}</li>`;
}

function goTo(editor, line) {
  editor.pane = "code";
  editor.app.changed();
  // After the source is shown, where only one of both is.
  queueMicrotask(() => editor.code?.goTo(line));
}

/** What is wrong, and how large the mail is. */
function problems(editor) {
  const found = editor.problems;
  const { made } = editor.preview;
  return html`<section class="tp-problems" aria-label=${said.templates.warningsHead}>
    ${found.length ? html`<ul tabindex="0" aria-label=${said.templates.warningsHead}>${found.map((each) => problem(editor, each))}</ul>` : html`<p class="grey">${made ? said.templates.noWarnings : nothing}</p>`}
    ${made ? html`<p class="tp-size">${said.templates.size(Math.max(1, Math.round(made.size / 1024)), SHOWN_KB)}</p>` : nothing}</section>`;
}

const source = (editor) => html`<div class="tp-source" id="tp-source">${fields(editor)}
  <p class="tp-wide hint">${said.templates.needsWidth}</p>
  ${editor.codeError ? failure(editor.codeError, () => { editor.host = null; editor.codeError = null; editor.app.changed(); }) : nothing}
  <div id="template-code" class="tp-code"></div>${problems(editor)}</div>`;

/** Which of both is shown where there is no room for both. */
function panes(editor) {
  const pane = (name) => html`<button type="button" class="choice" aria-pressed=${editor.pane === name ? "true" : "false"}
    @click=${() => { editor.pane = name; editor.app.changed(); }}>${said.templates.panes[name]}</button>`;
  return html`<div class="choices tp-panes" role="group" aria-label=${said.templates.panesLabel}>${pane("code")}${pane("preview")}</div>`;
}

function body(editor) {
  if (editor.comparison.number !== null) return editor.comparison.view(() => editor.app.query({ compare: null }));
  const { preview, customers, app } = editor;
  return html`${panes(editor)}<div class="tp-editor tp-pane-${editor.pane}" .style=${splitStyle()}>${source(editor)}${splitHandle(app.changed)}
    <section class="tp-preview" aria-label=${said.templates.previewLabel}>${preview.bar(editor.shown, customers.view(preview.customer))}${preview.view()}</section></div>`;
}

/** The whole view. */
export function editorView(editor) {
  if (editor.state === "loading") return skeleton();
  if (editor.state === "broken") return failure(editor.error, () => editor.open());
  if (editor.state === "missing") {
    return notice({ level: 1, heading: said.templates.missing, text: said.templates.missingWhy,
      action: html`<a class="button" href=${writeAddress(LIST)} @click=${editor.app.to(LIST)}>${said.templates.all}</a>` });
  }
  return html`<div class="tp-whole">${head(editor)}${notes(editor)}
    ${editor.test.open ? editor.test.view() : nothing}
    ${editor.panel === "versions" ? editor.versions.view(() => editor.app.query({ versions: null })) : nothing}
    ${body(editor)}</div>`;
}
