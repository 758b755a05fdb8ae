// The four stages of an import, which stay visible: file, columns, review, result.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import { choicesOf, doubled, importable } from "./import-model.js";
import { UNDO_MOST } from "./import-undo.js";
import { said } from "../language.js";

/** Faults of one kind that are listed with it; the file has all. */
const SHOWN_FAULTS = 20;

const heading = (panel, number, text) => (panel.level === 2
  ? html`<h2 class="import-head"><span class="edit-number" aria-hidden="true">${number}</span>${text}</h2>`
  : html`<h3 class="import-head"><span class="edit-number" aria-hidden="true">${number}</span>${text}</h3>`);

function fileStage(panel) {
  const words = said.lists.import;
  const { import: found, file } = panel;
  const name = found?.fileName ?? file?.name ?? "";
  const facts = found
    ? words.fileFacts(found.total, found.encoding)
    : html`<progress class="import-bar" max="1" value=${panel.progress} aria-label=${words.uploading}></progress> ${words.uploading}`;
  return html`<div class="import-stage">${heading(panel, 1, words.stages.file)}
    <p><b><bdi>${name}</bdi></b> <span class="hint">${panel.fault && !found ? nothing : facts}</span></p>
    ${panel.failedUpload ? html`<button type="button" class="button" data-acts @click=${panel.upload}>${words.again}</button>` : nothing}
    ${panel.close && !panel.busy && (!found || ["CHECKED", "FAILED", "CANCELLED"].includes(found.status)) ? html`<button type="button" class="link" @click=${panel.close}>${words.close}</button>` : nothing}</div>`;
}

function column(panel, each, twice) {
  const words = said.lists.import;
  const id = `import-column-${panel.columns.indexOf(each)}`;
  const double = each.field && twice.has(each.field.split(":")[0]);
  return html`<tr><th scope="row"><bdi>${each.heading}</bdi></th>
    <td class="import-sample"><bdi>${each.sample.join(" · ")}</bdi></td>
    <td>${panel.app.readOnly ? words.field(each.field ?? null) : html`<label class="unseen" for=${id}>${words.goesTo(each.heading)}</label>
      <select id=${id} aria-invalid=${double ? "true" : "false"} ?disabled=${panel.busy || panel.import.status === "RUNNING"} @change=${(event) => panel.choose(each, event.target.value || null)}>${
        choicesOf(each).map((field) => html`<option value=${field ?? ""} .selected=${field === (each.field ?? null)}>${words.field(field)}</option>`)}</select>
      <span class="hint">${double ? words.mapping.doubled : panel.chosen.has(each.heading) || !each.field ? nothing : words.guessed}</span>`}</td></tr>`;
}

function columnsStage(panel) {
  const words = said.lists.import;
  if (!panel.columns.length) return nothing;
  const twice = doubled(panel.columns);
  const done = panel.import.status === "FINISHED" || (panel.import.status === "RUNNING" && !panel.import.dryRun);
  return html`<div class="import-stage">${heading(panel, 2, words.stages.columns)}
    ${done ? html`<p class="hint">${words.columnsDone(panel.columns.filter(({ field }) => field).length)}</p>` : html`<table class="import-columns">
      <thead><tr><th scope="col">${words.heads.column}</th><th scope="col">${words.heads.values}</th><th scope="col">${words.heads.goesTo}</th></tr></thead>
      <tbody>${panel.columns.map((each) => column(panel, each, twice))}</tbody></table>`}
    ${panel.mappingFault ? html`<p class="fault" role="alert">${words.mapping[panel.mappingFault]}</p>` : nothing}</div>`;
}

const faultLine = ({ line, message }) => html`<li><b>${said.lists.import.line(line)}</b> ${message}</li>`;

function faultGroup(group) {
  const words = said.lists.import;
  return html`<details class="import-faults"><summary>${words.kind(group.count, group.code, group.heading)} <span class="hint">${words.lines(group.lines, group.more)}</span></summary>
    <ul>${group.faults.slice(0, SHOWN_FAULTS).map(faultLine)}</ul>
    ${group.faults.length > SHOWN_FAULTS ? html`<p class="hint">${words.moreInFile(group.faults.length - SHOWN_FAULTS)}</p>` : nothing}</details>`;
}

function refused(panel) {
  const words = said.lists.import;
  const { failed } = panel.import;
  if (!failed) return nothing;
  return html`<p>${words.cannot(failed)}</p>${(panel.faults ?? []).map(faultGroup)}
    ${panel.faultsComplete ? nothing : html`<p class="hint">${words.someKinds}</p>`}
    <p><button type="button" class="link" @click=${panel.download}>${words.download(failed)}</button></p>`;
}

const bar = (panel, text) => html`<p role="status"><progress class="import-bar" max=${panel.import.total ?? 1} value=${panel.import.total ? panel.import.read : nothing}
  aria-label=${text}></progress> ${text} ${panel.pace ? html`<span class="hint">${said.lists.import.pace(panel.pace)}</span>` : nothing}</p>`;

function whereTo(panel) {
  const words = said.lists.import;
  if (panel.list) return html`<p>${words.join} <b><bdi>${panel.list.name}</bdi></b></p>`;
  return html`<div class="edit-field"><label for="import-list">${words.joinNew}</label>
    <input id="import-list" type="text" maxlength="255" .value=${panel.listName} @input=${(event) => { panel.listName = event.target.value; }}
      aria-invalid=${panel.nameFault ? "true" : "false"} aria-describedby="import-list-fault">
    <p id="import-list-fault" class="fault" role="alert">${panel.nameFault ?? nothing}</p></div>`;
}

function reviewStage(panel) {
  const words = said.lists.import;
  const { status, dryRun } = panel.import;
  if (status === "RUNNING" && dryRun) return html`<div class="import-stage">${heading(panel, 3, words.stages.review)}${bar(panel, words.checking(panel.import.read))}</div>`;
  if (status !== "CHECKED" || panel.mappingFault) return nothing;
  const count = importable(panel.import);
  return html`<div class="import-stage">${heading(panel, 3, words.stages.review)}
    <p role="status"><b>${words.willBe(count)}</b> ${words.newAndKnown(panel.import.created, count - panel.import.created)}</p>
    ${refused(panel)}
    ${count && !panel.app.readOnly ? html`${whereTo(panel)}<p class="import-buttons"><button type="button" id="import-go" class="button primary" data-acts aria-disabled=${panel.busy ? "true" : "false"} @click=${panel.carryOut}>${words.go(count)}</button></p>` : nothing}</div>`;
}

function resultStage(panel) {
  const words = said.lists.import;
  const { status, dryRun } = panel.import;
  if (status === "FAILED") {
    return html`<div class="import-stage">${heading(panel, 4, words.stages.result)}<p class="fault" role="alert">${words.failed} ${panel.faults?.[0]?.message ?? ""}</p></div>`;
  }
  if (status === "CANCELLED") return html`<div class="import-stage">${heading(panel, 4, words.stages.result)}<p role="status">${words.cancelled(importable(panel.import))}</p></div>`;
  if (dryRun || !["RUNNING", "FINISHED"].includes(status)) return nothing;
  if (status === "RUNNING") {
    return html`<div class="import-stage">${heading(panel, 4, words.stages.result)}${bar(panel, words.importing(panel.import.read, panel.import.total))}
      <p class="hint">${words.mayLeave}</p>${panel.app.readOnly ? nothing : html`<button type="button" class="button" data-acts @click=${panel.cancel}>${words.stop}</button>`}</div>`;
  }
  const count = importable(panel.import);
  const undo = !panel.app.readOnly && !panel.undone && panel.list && count <= UNDO_MOST;
  return html`<div class="import-stage">${heading(panel, 4, words.stages.result)}
    <p role="status"><b>${panel.undone ? words.takenOff : words.imported(count)}</b> ${panel.list && !panel.undone ? toList(panel) : nothing}
      ${undo ? html`<button type="button" class="link" data-acts @click=${panel.undo}>${words.undo}</button>` : nothing}</p>
    ${refused(panel)}</div>`;
}

function toList({ list, app }) {
  const there = { view: "lists", path: [list.id], query: {} };
  return html`<a href=${writeAddress(there)} @click=${app.to(there)}><bdi>${list.name}</bdi></a>`;
}

export const stages = (panel) => html`${fileStage(panel)}${panel.import ? html`${columnsStage(panel)}${reviewStage(panel)}${resultStage(panel)}` : nothing}`;
