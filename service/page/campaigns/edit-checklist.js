// Beside the draft: what is done, what stands in the way and what is only a warning, each a link to its field; then the launch.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { toDo } from "./edit-checks.js";
import { icons } from "../icons.js";
import { said } from "../language.js";

/** Each state has a shape of its own beside its colour. */
const SHAPES = { done: icons.check, stops: icons.failed, warns: icons.uncertain, open: icons.waiting };

async function copy(editor, text) {
  try {
    await navigator.clipboard.writeText(text);
    editor.app.announce(said.edit.copied);
  } catch {
    // Without TLS a browser has no clipboard: the value is shown, and can be selected.
    editor.app.announce(said.edit.notCopied);
  }
}

function row(editor, { name, state, text, detail, target, copy: value, template }) {
  const there = template && { view: "templates", path: [template], query: {} };
  return html`<li class="check check-${state}"><span class="check-shape" title=${said.edit.states[state]}>${SHAPES[state]}<span class="unseen">${said.edit.states[state]}: </span></span>
    <div><a href="#${target}" @click=${(event) => editor.goTo(event, target)}>${said.edit.checkNames[name]}</a>
      <p>${text}</p>
      ${detail ? html`<p class="hint">${detail}</p>` : nothing}
      ${value ? html`<code class="check-value">${value}</code><button type="button" class="link" @click=${() => copy(editor, value)}>${said.edit.copy}</button>` : nothing}
      ${there ? html`<a href=${writeAddress(there)} @click=${editor.app.to(there)}>${said.edit.setDefault}</a>` : nothing}</div></li>`;
}

/** The checklist; below 1152 pixels it is a bar at the bottom that opens. */
export function checklist(editor) {
  const { launching } = editor;
  const checks = editor.checks;
  const open = toDo(checks);
  const stopped = checks.some(({ state }) => state === "stops");
  const toggle = () => {
    editor.checksOpen = !editor.checksOpen;
    editor.app.changed();
  };
  return html`<aside class="edit-checks ${editor.checksOpen ? "opened" : ""}" aria-label=${said.edit.ready}>
    <h2 class="edit-ready">${said.edit.ready}</h2>
    <button type="button" class="edit-toggle" aria-expanded=${editor.checksOpen ? "true" : "false"} aria-controls="edit-checklist" @click=${toggle}>${said.edit.toDo(open)}</button>
    <ul id="edit-checklist" class="edit-checklist">${checks.map((each) => row(editor, each))}</ul>
    ${editor.countError ? html`<p class="fault" role="alert">${editor.countError.message}</p>` : nothing}
    ${launching.isOpen ? launching.view() : html`<p class="fault" role="alert">${launching.fault ?? nothing}</p>
      <button type="button" id="edit-launch" class="button primary edit-go" data-acts aria-disabled=${stopped || launching.state === "counting" ? "true" : "false"}
        title=${stopped ? said.edit.launch.stopped : ""} @click=${launching.open}>${launching.state === "counting" ? said.edit.counting : said.edit.launchDots}</button>`}</aside>`;
}
