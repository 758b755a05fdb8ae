// What can be decided about rows of the worklist: each is planned first, then done, and taken back where the API can.
import { html } from "../vendor/lit-html/lit-html.js";
import { warnOf } from "../address-warning.js";
import { said } from "../language.js";
import { number } from "../numbers.js";
import { planLine, stayLines } from "../plan.js";
import { words } from "../words.js";
import { actOn, assign, correct, previewAction, setAside, takeBack } from "./queries.js";

/** A decision is `{ guess, heading(seen), lines(seen), confirm(seen), fields, prepare(), act(seen, form) }`:
 * `prepare()` reads what it will do; `act` does that and returns `{ text, undo }`, `undo` null where there is none.
 * `guess` is the number that is likely, shown on the button until it is known. */

const THEIR_UNDO = new Set(["ASSUME_SENT", "DISMISS"]);
/** The API's name of what a button does. */
const API_NAME = { RELEASE: "RETRY" };

/** "3 messages …" of a word with a number: `words(count, whether it is one)`. */
const of = (text, value) => text(number(value), value === 1);

/** Takes messages' decisions back; says how many could not be. */
async function undoAll(ids) {
  const kept = await takeBack(ids);
  if (kept) throw new Error(said.worklist.done.kept(number(kept)));
}

function lines(name, seen, further) {
  const { plan } = said.worklist;
  const causes = seen.causes.filter(({ cause }) => cause).map(({ cause, messages }) => plan.cause(number(messages), words.cause(cause)));
  return [
    seen.messages ? planLine(seen.messages, plan.line[name](seen.messages === 1), further(seen) ?? (causes.length > 1 ? causes.join(", ") : undefined)) : html`${plan.changed}`,
    ...stayLines(seen.stay),
    ...(seen.more ? [html`${plan.more}`] : []),
  ];
}

function outcome(name, { done, skipped }) {
  const { done: text } = said.worklist;
  return `${of(text[name], done)}${skipped ? ` ${of(text.skipped, skipped)}` : ""}`;
}

/**
 * A bulk action on the messages of a filter. `ids` are those messages where they are known: then what can be taken back
 * can be, unless some had changed, since nobody would know which. `further(seen)` is a sentence below the number.
 */
export const messageAction = (name, { filter, ids = null, guess = null, further = () => undefined }) => ({
  guess,
  heading: () => said.worklist.plan.heading[name],
  lines: (seen) => lines(name, seen, further),
  confirm: (seen) => (seen.token ? of(said.worklist.plan.confirm[name], seen.messages) : null),
  waiting: () => (guess === null ? said.worklist.plan.counting : of(said.worklist.plan.confirm[name], guess)),
  prepare: () => previewAction(API_NAME[name] ?? name, filter),
  async act(seen) {
    const done = await actOn(API_NAME[name] ?? name, seen.token);
    const known = THEIR_UNDO.has(name) && (await ids?.());
    return { text: outcome(name, done), undo: known && known.length === done.done ? () => undoAll(known) : null };
  },
});

/** How many of an uncertain incident are not of a campaign: their readers mind most. */
const individual = (incident) => incident.sources.filter(({ sourceType }) => sourceType !== "CAMPAIGN").reduce((sum, { messages }) => sum + messages, 0);

function mayComeTwice(incident) {
  const { plan } = said.worklist;
  const count = individual(incident);
  return `${plan.twice(number(incident.messages))}${count && count < incident.messages ? ` ${plan.individual(number(count))}` : ""}`;
}

/** Assume sent, or Retry, of all messages of an incident. */
export const incidentAction = (name, incident) => messageAction(name, {
  filter: incident.filter,
  ids: async () => incident.filter.ids,
  guess: incident.messages,
  further: () => (name === "RETRY" ? mayComeTwice(incident) : undefined),
});

/** An action on single messages. */
export const messagesAction = (name, ids, statuses = null) => messageAction(name, {
  filter: { ids, ...(statuses && { statuses }) },
  ids: async () => ids,
  guess: ids.length,
  further: () => (name === "RETRY" && statuses?.includes("UNCERTAIN") ? said.worklist.plan.twice(number(ids.length)) : undefined),
});

/** What a campaign's failures are found by. */
export const failuresOf = (campaign) => ({ campaignIds: [campaign.id], statuses: ["REFUSED", "BOUNCED", "EXPIRED", "HELD"], needsAttention: true });

/** Takes a campaign's failures off the list. Which they were is read before, as far as they can be taken back. */
export function leaveCampaign(campaign, readIds) {
  let known = null;
  const decision = messageAction("DISMISS", { filter: failuresOf(campaign), ids: async () => known });
  return {
    ...decision,
    async prepare() {
      const [seen, ids] = await Promise.all([decision.prepare(), readIds(failuresOf(campaign))]);
      known = ids;
      return seen;
    },
  };
}

/** Replaces a bad address; `to` null asks for it. */
export function correctAddress(address, to) {
  const { plan, done } = said.worklist;
  const waiting = address.waitingMessages;
  const confirm = () => (waiting ? of(plan.correctAndRetry, waiting) : plan.correctOnly);
  return {
    guess: waiting,
    heading: () => (to ? html`${plan.correct(to)}` : plan.correctIt),
    lines: () => [...(to ? [html`${plan.replaced(address.address, to)}`] : []), ...(waiting ? [planLine(waiting, plan.waitingGo(waiting === 1))] : [])],
    confirm,
    waiting: confirm,
    fields: to ? undefined : html`<label class="wl-field">${plan.address}<input type="text" inputmode="email" name="address" required maxlength="320"
      autocomplete="off" autocapitalize="none" spellcheck="false" dir="ltr" value=${address.address}></label>`,
    prepare: async () => ({}),
    async act(_, form) {
      const correctAddress = to ?? form.get("address").trim();
      if (!to) await warnOf(correctAddress);
      const { retried } = await correct({ customerId: address.customer.id, address: address.address, correctAddress });
      return { text: `${done.corrected(correctAddress)}${retried ? ` ${of(done.retried, retried)}` : ""}`, undo: null };
    },
  };
}

/** Gives a received mail to a customer, at once: it can be taken back. */
export const assignTo = (mail, customer) => async () => {
  const id = await assign(mail.id, customer.id);
  return { text: said.worklist.done.assigned(customer.name ?? customer.externalRef), undo: id ? () => undoAll([id]) : null };
};

/** Takes received mail off the list, at once: it can be put back. */
export const setMailAside = (ids) => async () => {
  const { dismissed } = await setAside(ids, true);
  return { text: of(said.worklist.done.setAside, dismissed), undo: () => setAside(ids, false) };
};
