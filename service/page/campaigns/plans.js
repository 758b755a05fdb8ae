// What each irreversible decision about a campaign will do, with its counts, and the input of its mutation.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { plan, planLine } from "../plan.js";
import { number } from "../numbers.js";
import { counted } from "./figures.js";
import { HOPELESS, handedOver } from "./outcomes.js";
import { readRetryCounts } from "./queries.js";
import { statusOf, written } from "./recipient-filter.js";

/** A link to recipients of the campaign. */
function recipients(view, text, query) {
  const { href, follow } = view.linkTo("recipients", query);
  return html`<a href=${href} @click=${follow}>${text}</a>`;
}

/** The panel, with what all of them have. */
const panelOf = (decisions, given) => plan({
  ...given, busy: decisions.acting, fault: decisions.asked.fault, act: decisions.confirm, back: decisions.leave,
});

const counting = (decisions, heading) => panelOf(decisions, { heading, lines: decisions.asked.fault ? [] : [said.campaigns.counting], confirm: null });

/** Of a retry: who will be tried again, and who will not, by cause. `{ will, exact, left: [{ cause, count }] }`. */
export function retryCounts(counts, causes) {
  const left = HOPELESS.map((cause) => ({ cause, count: counts[cause] })).filter(({ cause, count }) => count.value > 0 && (!causes || causes.includes(cause)));
  const stays = left.reduce((sum, { count }) => sum + count.value, 0);
  const exact = [counts.all, ...left.map(({ count }) => count)].every(({ precision }) => precision === "EXACT");
  return { will: Math.max(0, counts.all.value - stays), exact, left };
}

const retry = {
  /** `given`: the filter `{ statuses, causes, mailingIds }`, and the place's query of those that stay. */
  async count(campaign, { statuses, causes, mailingIds }) {
    const counts = await readRetryCounts(campaign.id, { statuses, mailingIds, ...(causes && { causes }) });
    // Of chosen causes only those count that were chosen.
    return retryCounts(counts, causes);
  },

  panel(decisions) {
    const { view, asked: { counts, given } } = decisions;
    const { plans, causesLeft } = said.campaigns;
    if (!counts) return counting(decisions, plans.retry);
    const { will, exact, left } = counts;
    const many = exact ? number(will) : said.campaigns.moreThan(number(will));
    const lines = [
      planLine(will, plans.goBack(will === 1), view.campaign.status === "PAUSED" ? plans.waitForResume : plans.sameAddress),
      ...left.map(({ cause, count }) => planLine(count.value,
        recipients(view, plans.stay, { status: statusOf(given.statuses), cause: written([cause]), ...given.query }), causesLeft[cause])),
    ];
    return panelOf(decisions, { heading: plans.retryMany(many, will === 1), lines, confirm: will ? plans.retryConfirm(many, will) : null });
  },

  input({ view, asked: { key, given, counts } }) {
    const causes = given.causes?.filter((cause) => !HOPELESS.includes(cause)) ?? null;
    return {
      campaignId: view.id, statuses: given.statuses, causes, mailingId: given.mailingIds?.[0] ?? null,
      expectedCount: counts.exact ? counts.will : null, idempotencyKey: key,
    };
  },

  done: ({ recipients: many }) => said.campaigns.plans.retried(many),
};

const settle = {
  panel(decisions) {
    const { asked, view } = decisions;
    const { plans } = said.campaigns;
    const { uncertain } = view.campaign.progress;
    const count = asked.given.count ?? uncertain;
    const mayRetry = decisions.can("RETRY");
    const choice = mayRetry ? asked.choice : "ASSUME_SENT";
    const line = choice === "RETRY" ? planLine(count, plans.goBack(count === 1), plans.mayGetTwice) : planLine(count, plans.countAsSent(count === 1), plans.notTriedAgain);
    const option = (value, text) => html`<label class="campaign-choice"><input type="radio" name="uncertain" value=${value} .checked=${choice === value}
      @change=${() => decisions.choose(value)}>${text}</label>`;
    return panelOf(decisions, {
      heading: plans.settleMany(number(count), count === 1), lines: [line],
      fields: mayRetry ? html`<fieldset class="campaign-choices"><legend class="unseen">${plans.whatBecomes}</legend>${option("ASSUME_SENT", plans.assumeSent)}${option("RETRY", plans.tryAgain)}</fieldset>` : nothing,
      confirm: choice === "RETRY" ? plans.retryConfirm(number(count), count) : plans.assumeConfirm(number(count), count),
    });
  },

  input({ view, asked: { key, given, choice } }) {
    return { campaignId: view.id, uncertain: choice, mailingId: given.mailingIds?.[0] ?? null, expectedCount: given.count, idempotencyKey: key };
  },

  done: ({ recipients: many }, { choice }) => (choice === "RETRY" ? said.campaigns.plans.retried(many) : said.campaigns.plans.assumed(many)),
};

const cancel = {
  panel(decisions) {
    const { view } = decisions;
    const { plans } = said.campaigns;
    const { progress, mailings } = view.campaign;
    const toCome = mailings.filter(({ status }) => ["DRAFT", "SCHEDULED", "FREEZING"].includes(status));
    const gone = handedOver(progress);
    const lines = [
      progress.queued ? planLine(progress.queued, recipients(view, plans.notSent, { status: "queued,deferred" }), plans.cannotResume) : nothing,
      progress.onTheWire ? planLine(progress.onTheWire, recipients(view, plans.stillDecided, { status: "handed_off" })) : nothing,
      ...toCome.map(({ number: each, subject }) => html`${plans.mailingNotSent(each)}: <bdi>${subject}</bdi>`),
      gone > 0 ? planLine(gone, recipients(view, plans.stayAsTheyAre, { status: "accepted,refused,bounced,uncertain" }), plans.cannotBeTakenBack) : nothing,
      view.campaign.kind === "EVENT_BASED" ? plans.noMoreEvents : nothing,
    ].filter((line) => line !== nothing);
    const confirm = progress.queued ? plans.cancelConfirm(number(progress.queued), progress.queued) : plans.cancelCampaign;
    return panelOf(decisions, { heading: plans.cancel, lines: lines.length ? lines : [plans.nothingWaits], confirm });
  },

  input: ({ view }) => ({ campaignId: view.id }),

  done: ({ campaign }) => said.campaigns.plans.cancelled(campaign.progress.cancelled),
};

const remove = {
  panel: (decisions) => panelOf(decisions, {
    heading: said.campaigns.plans.delete, lines: [said.campaigns.plans.deleteWhat(decisions.campaign.mailings.length)], confirm: said.campaigns.plans.deleteConfirm,
  }),
  input: ({ view }) => ({ campaignId: view.id }),
  done: () => said.campaigns.plans.deleted,
};

/**
 * By kind: `count(campaign, given)` reads its counts where it has any, `panel(decisions)` draws it, `input(decisions)` is
 * its mutation's, `done(payload, asked)` says what came of it.
 */
export const PLANS = { retry, settle, cancel, delete: remove };
