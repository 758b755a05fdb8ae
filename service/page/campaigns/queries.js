// What the campaigns' views ask for, and the mutations of their actions.
import { Refused } from "../errors.js";
import { fetchData, mutate, run, subscribe } from "../graphql.js";
import { said } from "../language.js";
import { OUTCOME, PAGE, shorten } from "../row-fields.js";
import { HOPELESS } from "./outcomes.js";

const PROGRESS = `progress {
    total queued onTheWire waiting accepted refused bounced uncertain held expired cancelled leftOut leftOutBy { reason recipients }
    opened openedUnsure clicked machineOnly unsubscribed complained replied perMinute estimatedEndAt }`;
/** What changes while a campaign is under way. */
const HEAD = `fragment Head on Campaign {
    id title kind status priority audienceSize createdAt launchedAt finishedAt tracked repeat pausedAt pausedWhy archivedAt actions
    ${PROGRESS}
    mailings { id number status subject dueAt frozenAt ${PROGRESS} }
  }`;
const CAMPAIGN = `query Campaign($id: ID!) {
  campaign(id: $id) {
    ...Head
    sender { id name from } lists { id name } excludedLists { id name }
    settings: mailings { id template { number template { id name } } schedule { sendAt atLocalTime afterDays afterMinutes localTime } notOpened { number } }
  }
}${HEAD}`;
const CHANGES = `subscription Changes($id: ID!) { campaignChanged(campaignId: $id) { ...Head } }${HEAD}`;

const ROW = `id title kind status priority tracked launchedAt finishedAt archivedAt actions
  progress { total leftOut waiting queued onTheWire accepted refused bounced uncertain held expired cancelled opened clicked estimatedEndAt }
  mailings { id number status dueAt }`;
const LIST = `query Campaigns($filter: CampaignFilter!, $search: String, $first: Int!, $after: String) {
  campaigns(filter: $filter, search: $search, first: $first, after: $after) { edges { cursor node { ${ROW} } } ${PAGE} }
}`;
const TABS = `query CampaignTabs($running: CampaignFilter!, $drafts: CampaignFilter!, $scheduled: CampaignFilter!, $finished: CampaignFilter!, $archived: CampaignFilter!) {
  ${["running", "drafts", "scheduled", "finished", "archived"].map((tab) => `${tab}: campaigns(filter: $${tab}, first: 1) { totalCount { value } }`).join("\n  ")}
}`;

const RESULTS = `query CampaignResults($id: ID!, $bucket: TimeBucket!) {
  campaign(id: $id) { id timeline(bucket: $bucket) { startsAt accepted bounced opened clicked } links { url clicks people }
    history(first: 100) { nodes { action occurredAt } } }
}`;
const LINKS = "query CampaignLinks($id: ID!, $mailing: ID) { campaign(id: $id) { id links(mailingId: $mailing) { url clicks people } } }";
const HISTORY = `query CampaignHistory($id: ID!, $first: Int!, $after: String) {
  campaign(id: $id) { id history(first: $first, after: $after) { edges { cursor node { action occurredAt by detail } } ${PAGE} } }
}`;
const RECIPIENTS = `query Recipients($id: ID!, $filter: CampaignRecipientFilter!, $search: String, $counted: Boolean!, $first: Int!, $after: String) {
  campaign(id: $id) { id recipients(filter: $filter, search: $search, first: $first, after: $after) {
    totalCount @include(if: $counted) { value precision }
    edges { cursor node { id address status leftOut dueAt customer { id name externalRef } mailing { number }
      message { id subject openedAt clickCount occurredAt info { ...Outcome decidedAt } } } }
    ${PAGE}
  } }
}${OUTCOME}`;
const EXPORT = `query RecipientsFile($id: ID!, $filter: CampaignRecipientFilter!, $search: String) {
  campaign(id: $id) { id recipients(filter: $filter, search: $search, first: 1) { exportUrl } }
}`;
const COUNT = "recipients(filter: %, first: 1) { totalCount { value precision } }";
const RETRY_COUNTS = `query RetryCounts($id: ID!, $all: CampaignRecipientFilter!, ${HOPELESS.map((cause) => `$${cause}: CampaignRecipientFilter!`).join(", ")}) {
  campaign(id: $id) { id all: ${COUNT.replace("%", "$all")} ${HOPELESS.map((cause) => `${cause}: ${COUNT.replace("%", `$${cause}`)}`).join(" ")} }
}`;

/** One campaign with its settings, or null. */
export async function readCampaign(id, options) {
  const { campaign } = await fetchData(CAMPAIGN, { id }, options);
  return campaign && withSettings(campaign);
}

/** Puts what a mailing was set up with into it: a change has only what changes. */
function withSettings({ settings, ...campaign }) {
  return { ...campaign, mailings: campaign.mailings.map((each) => ({ ...settings.find(({ id }) => id === each.id), ...each })) };
}

/** Follows a campaign: `onCampaign(campaign)` without its settings; the rest as `subscribe` has it. */
export const subscribeToCampaign = (id, { onCampaign, ...on }) =>
  subscribe(CHANGES, { id }, { onData: (data) => data.campaignChanged && onCampaign(data.campaignChanged), ...on });

/** One page of campaigns, the newest first. */
export async function readCampaigns({ filter, search, first, after }, options) {
  return (await fetchData(LIST, { filter, search: search || null, first, after }, options)).campaigns;
}

/** How many campaigns each tab has, by its name. */
export async function readTabCounts(filters, options) {
  const data = await fetchData(TABS, filters, options);
  return Object.fromEntries(Object.entries(data).map(([tab, { totalCount }]) => [tab, totalCount?.value ?? null]));
}

/** What came of it over time, in buckets; its links; and its newest changes, among which are its pauses. */
export const readResults = (id, bucket, options) => partOf(RESULTS, { id, bucket }, ["timeline", "links", "history"], options);

/** Its most clicked links, of one mailing where it is given. */
export const readLinks = async (id, mailing, options) => (await partOf(LINKS, { id, mailing }, ["links"], options)).links;

/** One page of its changes, the newest first. */
export const readHistory = async (id, page, options) => (await partOf(HISTORY, { id, ...page }, ["history"], options)).history;

/** One page of its recipients; the first one says how many there are in all. */
export async function readRecipients(id, { filter, search, first, after }, options) {
  const variables = { id, filter, search: search || null, counted: after === null, first, after };
  const { recipients } = await partOf(RECIPIENTS, variables, ["recipients"], options);
  recipients.edges.forEach(({ node }) => shorten(node.message?.info));
  return recipients;
}

/** Where the recipients can be fetched as a file, for five minutes. */
export const readExportUrl = async (id, filter, search, options) =>
  (await partOf(EXPORT, { id, filter, search: search || null }, ["recipients"], options)).recipients.exportUrl;

/** How many recipients are in these states: `all`, and of them each cause that a retry cannot mend; each `{ value, precision }`. */
export async function readRetryCounts(id, filter, options) {
  const variables = Object.fromEntries(HOPELESS.map((cause) => [cause, { ...filter, causes: [cause] }]));
  const { id: _, ...counts } = await partOf(RETRY_COUNTS, { id, all: filter, ...variables }, ["all", ...HOPELESS], options);
  return Object.fromEntries(Object.entries(counts).map(([name, { totalCount }]) => [name, totalCount]));
}

/** The campaign with parts that may be null when they cannot be read. Throws Refused then, and where there is none. */
async function partOf(document, variables, parts, options) {
  const { data: { campaign }, errors } = await run(document, variables, options);
  if (!campaign || parts.some((part) => !campaign[part])) {
    throw new Refused(errors?.[0]?.message ?? said.shared.campaignGone, errors?.[0]?.extensions);
  }
  return campaign;
}

const decision = (name, input) =>
  `mutation Decide($input: ${input}!) { done: ${name}(input: $input) { campaign { ...Head } userErrors { message code } } }${HEAD}`;
const ofMany = (name, input) =>
  `mutation Decide($input: ${input}!) { done: ${name}(input: $input) { recipients campaign { ...Head } userErrors { message code } } }${HEAD}`;
const MUTATIONS = {
  pause: decision("pauseCampaign", "CampaignInput"),
  resume: decision("resumeCampaign", "CampaignInput"),
  cancel: decision("cancelCampaign", "CampaignInput"),
  archive: decision("archiveCampaign", "ArchiveCampaignInput"),
  update: decision("updateCampaign", "UpdateCampaignInput"),
  copy: decision("copyCampaign", "CopyCampaignInput"),
  retry: ofMany("retryCampaign", "RetryCampaignInput"),
  settle: ofMany("settleCampaign", "SettleCampaignInput"),
  delete: "mutation Delete($input: DeleteCampaignInput!) { done: deleteCampaign(input: $input) { deletedCampaignId userErrors { message code } } }",
};

/** Does one of the actions; returns its payload. Throws Refused with the gateway's sentences. */
export const decide = (action, input) => mutate(MUTATIONS[action], { input });
