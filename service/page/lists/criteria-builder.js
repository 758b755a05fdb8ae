// Criteria in rows, with how many they find while one changes them, and ten of those.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { writeAddress } from "../address.js";
import {
  ATTRIBUTE_OPERATORS, FIELDS, HAPPENINGS, MAX_GROUPS, MAX_RULES, MAX_RULES_OF_GROUP, OPT_OUT_KINDS, SUBJECTS, TEXT_OPERATORS, countOf, criteriaInput, newGroup, newRule, rowsOf,
} from "./criteria.js";
import { previewCriteria, readLists } from "./queries.js";
import { icons } from "../icons.js";
import { said } from "../language.js";
import { momentText } from "../moments.js";
import { Picker } from "../picker.js";

/** Pause after a change, after which the criteria are counted: counting costs the database up to seconds. */
const COUNT_MS = 500;

export class CriteriaBuilder {
  /** `save(criteria)` keeps them; it throws what is refused. */
  constructor({ app, save }) {
    Object.assign(this, { app, save });
    this.groups = [newGroup()];
    /** Whether the list's criteria have a rule that has no row: they are kept until others are saved. */
    this.unshowable = false;
    this.changedSince = false;
    this.keeping = false;
    this.preview = null;
    this.fault = null;
    this.state = "idle";
    this.pickers = new Map();
    this.focusNext = null;
  }

  /** Shows criteria that were read. */
  show(criteria) {
    const groups = rowsOf(criteria);
    this.unshowable = !groups;
    this.groups = groups ?? [newGroup()];
    this.changedSince = false;
    this.count();
  }

  stop() {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  changed() {
    this.changedSince = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.count(), COUNT_MS);
    this.app.changed();
  }

  set(rule, values) {
    Object.assign(rule, values);
    this.changed();
  }

  /** How many the rows find, as far as they are filled in. */
  count = async () => {
    clearTimeout(this.timer);
    this.asking?.abort();
    const criteria = criteriaInput(this.groups);
    this.fault = null;
    if (!criteria) {
      this.preview = null;
      return this.app.changed();
    }
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.state = "counting";
    this.app.changed();
    try {
      const found = await this.app.guard(previewCriteria)(criteria, { signal });
      this.preview = { ...found, at: new Date().toISOString() };
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      this.preview = null;
      this.fault = error.message;
    }
    this.state = "idle";
    return this.app.changed();
  };

  keep = async (event) => {
    event.preventDefault();
    if (this.keeping) return;
    const criteria = criteriaInput(this.groups);
    if (!criteria) this.fault = said.lists.criteria.incomplete;
    else {
      this.keeping = true;
      try {
        await this.app.guard(this.save)(criteria);
        this.changedSince = false;
        this.unshowable = false;
        this.fault = null;
        this.app.announce(said.lists.criteria.saved);
      } catch (error) {
        this.fault = error.message;
      }
      this.keeping = false;
    }
    this.app.changed();
  };

  addRule(group) {
    const rule = newRule();
    group.rules.push(rule);
    this.focusNext = `rule-${rule.key}`;
    this.changed();
  }

  addGroup = () => {
    const group = newGroup();
    this.groups.push(group);
    this.focusNext = `rule-${group.rules[0].key}`;
    this.changed();
  };

  removeRule(group, rule) {
    group.rules = group.rules.filter((each) => each !== rule);
    if (!group.rules.length) this.groups = this.groups.filter((each) => each !== group);
    if (!this.groups.length) this.groups.push(newGroup());
    this.focusNext = `rule-${this.groups.at(-1).rules.at(-1).key}`;
    this.changed();
  }

  pickerOf(rule) {
    if (!this.pickers.has(rule.key)) {
      this.pickers.set(rule.key, new Picker({
        id: `rule-list-${rule.key}`, label: said.lists.criteria.list, placeholder: said.lists.search, changed: () => this.app.changed(),
        read: this.app.guard(async (search) => (await readLists({ search, first: 20, after: null })).edges.map(({ node }) => node)
          .filter(({ kind }) => kind === "FIXED").map(({ id, name }) => ({ id, text: name }))),
        pick: (target) => this.set(rule, { target }),
      }));
    }
    return this.pickers.get(rule.key);
  }

  drawn() {
    const wanted = this.focusNext && document.getElementById(this.focusNext);
    if (!wanted) return;
    this.focusNext = null;
    wanted.focus();
  }

  value(rule) {
    const words = said.lists.criteria;
    const text = (label, values = {}) => html`<input type=${values.type ?? "text"} min=${values.min ?? nothing} maxlength="5000" aria-label=${label} placeholder=${label} .value=${String(rule[values.of ?? "values"])}
      @input=${(event) => this.set(rule, { [values.of ?? "values"]: event.target.value })}>`;
    const operator = (all) => html`<select aria-label=${words.operator} @change=${(event) => this.set(rule, { operator: event.target.value })}>${all.map((each) => html`<option value=${each} .selected=${each === rule.operator}>${words.operators[each]}</option>`)}</select>`;
    if (rule.subject === "MEMBER") {
      return rule.target ? html`<span class="rule-target"><bdi>${rule.target.text ?? words.thisList(rule.target.id)}</bdi> <button type="button" class="link" @click=${() => this.set(rule, { target: null })}>${words.other}</button></span>` : this.pickerOf(rule).view({ unseen: true });
    }
    if (rule.subject === "OPT_OUT") return html`<select aria-label=${words.kind} @change=${(event) => this.set(rule, { kind: event.target.value })}>${OPT_OUT_KINDS.map((each) => html`<option value=${each} .selected=${each === rule.kind}>${words.kinds[each]}</option>`)}</select>`;
    if (rule.subject === "TAG") return text(words.texts);
    if (HAPPENINGS.includes(rule.subject)) return html`<label class="rule-number">${words.times} ${text(words.times, { type: "number", min: 1, of: "times" })}</label><label class="rule-number">${words.days} ${text(words.days, { type: "number", min: 1, of: "days" })}</label>`;
    const needsNone = ["isSet", "isTrue", "isFalse"].includes(rule.operator);
    return html`${rule.subject === "ATTRIBUTE" ? text(words.attributeName, { of: "name" }) : nothing}${operator(rule.subject === "ATTRIBUTE" ? ATTRIBUTE_OPERATORS : TEXT_OPERATORS)}${
      needsNone ? nothing : text(rule.operator === "isOneOf" ? words.texts : words.value)}`;
  }

  row(group, rule) {
    const words = said.lists.criteria;
    const subject = (event) => this.set(rule, { subject: event.target.value, operator: "isOneOf", rest: null });
    return html`<li class="rule"><select id="rule-${rule.key}" aria-label=${words.subject} @change=${subject}>${SUBJECTS.map((each) => html`<option value=${each} .selected=${each === rule.subject}>${words.subjects[each]}</option>`)}</select>
      <label class="tick"><input type="checkbox" .checked=${rule.not} @change=${(event) => this.set(rule, { not: event.target.checked })}> ${FIELDS.includes(rule.subject) || rule.subject === "ATTRIBUTE" || rule.subject === "TAG" ? words.not : words.never}</label>
      ${this.value(rule)}
      <button type="button" class="round" aria-label=${words.removeRule} @click=${() => this.removeRule(group, rule)}>${icons.close}</button></li>`;
  }

  group = (group, place) => {
    const words = said.lists.criteria;
    return html`<fieldset class="rule-group"><legend>${place ? words.andAny : words.any}</legend>
      <ul>${group.rules.map((rule) => this.row(group, rule))}</ul>
      ${group.rules.length < MAX_RULES_OF_GROUP && countOf(this.groups) < MAX_RULES ? html`<button type="button" class="link" @click=${() => this.addRule(group)}>${words.or}</button>` : nothing}</fieldset>`;
  };

  found() {
    const words = said.lists.criteria;
    if (this.state === "counting" && !this.preview) return html`<p role="status">${words.counting}</p>`;
    if (!this.preview) return html`<p class="hint" role="status">${this.fault ? nothing : words.fillIn}</p>`;
    return html`<p role="status"><b>${words.match(this.preview.count, momentText(this.preview.at))}</b></p><p class="hint">${this.preview.inWords}</p>
      <ul class="rule-sample">${this.preview.sample.map((each) => {
        const there = { view: "emails", customer: each.id };
        return html`<li><a href=${writeAddress(there)} @click=${this.app.to(there)}><bdi>${each.name ?? each.externalRef}</bdi></a> <span class="hint"><bdi>${each.addresses.find(({ primary }) => primary)?.address ?? ""}</bdi></span></li>`;
      })}</ul>`;
  }

  view() {
    const words = said.lists.criteria;
    return html`<div class="criteria"><form class="rules" @submit=${this.keep}>
        ${this.unshowable ? html`<p class="hint">${words.unshowable}</p>` : nothing}
        ${this.groups.map(this.group)}
        ${this.groups.length < MAX_GROUPS && countOf(this.groups) < MAX_RULES ? html`<p><button type="button" class="link" @click=${this.addGroup}>${words.and}</button></p>` : nothing}
        <p class="fault" role="alert">${this.fault ?? nothing}</p>
        ${this.app.readOnly ? nothing : html`<button type="submit" class="button primary" data-acts aria-disabled=${this.changedSince ? "false" : "true"}>${words.save}</button>`}</form>
      <section class="rule-found" aria-label=${words.found} aria-busy=${this.state === "counting" ? "true" : "false"}>${this.found()}</section></div>`;
  }
}
