// The five sections of a draft: title and sender, audience, letter, when, test message.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { reached, reasonsOf } from "./edit-checks.js";
import { inLists } from "./edit-draft.js";
import { letters, times } from "./edit-mailings.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { moment } from "../moments.js";

/** Characters of a title, as the API has it. */
const MAX_TITLE = 255;
const PRIORITIES = [1, 2, 3, 4, 5, 6, 7];

/** What the head says of the draft: "Draft, saved 1:52 PM". */
export function saveState({ saver, id }) {
  const words = said.edit.saving;
  if (saver.state === "failed") return html`<span class="fault">${words.failed}</span> <button type="button" class="link" @click=${() => saver.flush()}>${words.again}</button>`;
  if (saver.state === "saving" || saver.state === "waiting") return words.saving;
  if (saver.savedAt) return html`${words.saved} ${moment(new Date(saver.savedAt).toISOString())}`;
  return id ? words.draft : words.nothing;
}

const section = (number, name, body) => html`<section class="edit-section" aria-labelledby="edit-section-${number}">
  <h2 id="edit-section-${number}"><span class="edit-number" aria-hidden="true">${number}</span>${said.edit.sections[name]}</h2>${body}</section>`;

/** What the mail will have as its From. */
const fromLine = (sender) => (sender ? html`<bdi>${sender.fromName}</bdi> <bdi>&lt;${sender.from}&gt;</bdi>` : nothing);

function titleAndSender(editor) {
  const { draft } = editor;
  const fault = editor.saver.faults.get("campaign") ?? editor.saver.faults.get("kind");
  const submit = (event) => {
    event.preventDefault();
    editor.next();
  };
  return html`<form class="edit-line" @submit=${submit}>
      <div class="edit-field wide"><label for="edit-title">${said.edit.titleField}</label>
        <input id="edit-title" type="text" maxlength=${MAX_TITLE} required autocomplete="off" .value=${draft.title} aria-describedby="edit-title-hint"
          @input=${(event) => editor.change({ title: event.target.value }, { soon: false })}></div>
      <div class="edit-field wide"><label for="edit-sender">${said.edit.sender}</label>
        <select id="edit-sender" aria-describedby="edit-sender-address" @change=${(event) => editor.change({ senderId: event.target.value })}>${
          editor.senders.map((each) => html`<option value=${each.id} .selected=${each.id === draft.senderId}>${each.name}</option>`)}</select>
        <p id="edit-sender-address" class="hint">${fromLine(editor.senders.find((each) => each.id === draft.senderId))}</p></div></form>
    <p id="edit-title-hint" class="hint">${said.edit.titleHint}</p>
    ${fault ? html`<p class="fault" role="alert">${fault.message}</p>` : nothing}
    <details class="edit-more"><summary>${said.edit.more(draft)}</summary>${moreOf(editor)}</details>`;
}

function moreOf(editor) {
  const { draft } = editor;
  return html`<div class="edit-line"><div class="edit-field"><label for="edit-kind">${said.edit.kind}</label>
      <select id="edit-kind" @change=${(event) => editor.changeKind(event.target.value)}>${["MARKETING", "EVENT_BASED"].map((kind) => html`
        <option value=${kind} .selected=${kind === draft.kind}>${said.edit.kinds[kind]}</option>`)}</select></div>
    <div class="edit-field"><label for="edit-priority">${said.edit.priority}</label>
      <select id="edit-priority" @change=${(event) => editor.change({ priority: Number(event.target.value) })}>${PRIORITIES.map((each) => html`
        <option value=${each} .selected=${each === draft.priority}>${said.edit.priorityOf(each)}</option>`)}</select></div></div>
    <label class="tick"><input type="checkbox" .checked=${draft.tracked} @change=${(event) => editor.change({ tracked: event.target.checked })}> ${said.edit.tracked}</label>`;
}

const chips = (editor, name) => html`<ul class="edit-chips">${editor.draft[name].map((list) => html`<li class="chip"><span class="chip-text"><bdi>${list.name}</bdi>
    <span class="hint">${said.edit.countOf(list.count)}</span></span>
  <button type="button" class="chip-clear" aria-label=${said.edit.removeList(list.name)} @click=${() => editor.removeList(name, list)}>${icons.close}</button></li>`)}</ul>`;

function audience(editor) {
  const { draft } = editor;
  const chooseFile = (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) editor.importFile(file);
  };
  return html`${chips(editor, "lists")}
    <div class="edit-line">${editor.lists.view()}
      <button type="button" id="edit-import" class="button" data-acts @click=${() => document.getElementById("edit-file").click()}>${said.lists.importCsv}</button>
      <input id="edit-file" hidden type="file" accept=".csv,.tsv,.txt,text/csv" tabindex="-1" aria-label=${said.lists.importCsv} @change=${chooseFile}></div>
    ${editor.import?.view() ?? nothing}
    ${draft.named ? html`<p class="hint">${said.edit.named(draft.named)}</p>` : nothing}
    ${whom(editor)}
    <details class="edit-more" ?open=${draft.excluded.length > 0}><summary>${said.edit.minus(draft.excluded.length)}</summary>${chips(editor, "excluded")}${editor.excluded.view()}</details>`;
}

/** "4,210 of 4,388", and who is left out. */
function whom(editor) {
  const found = reached(editor.draft, editor.previews);
  const all = inLists(editor.draft);
  if (!found) return all ? html`<p class="edit-count" role="status">${said.edit.inLists(all)}</p>` : nothing;
  return html`<p class="edit-count" role="status"><b>${said.edit.reaches(found.people, all)}</b>
    ${found.leftOut.length ? html`<span class="hint">${said.edit.leftOutWhy(reasonsOf(found.leftOut))}</span>` : nothing}</p>`;
}

export const sections = (editor) => [
  section(1, "title", titleAndSender(editor)),
  section(2, "audience", audience(editor)),
  section(3, "letter", letters(editor)),
  section(4, "when", times(editor)),
  section(5, "test", editor.test.view()),
];
