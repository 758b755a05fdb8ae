// What the campaign editor asks for and changes.
import { fetchData, mutate } from "../graphql.js";

const LIST = "id name kind count { value precision }";
const SCHEDULE = "sendAt atLocalTime afterDays afterMinutes localTime";
const MAILING = `id number status subject schedule { ${SCHEDULE} } notOpened { id }
  template { id number subject template { id name version } }`;
const SENDER = "id name fromName from timeZone postalAddress";
const CAMPAIGN = `id title kind status priority tracked audienceSize actions
  sender { ${SENDER} } lists { ${LIST} } excludedLists { ${LIST} } mailings { ${MAILING} }`;

const READ = `query Draft($id: ID!) { campaign(id: $id) { ${CAMPAIGN} } }`;
const SENDERS = `query Senders { senders(first: 100) { nodes { ${SENDER} } } }`;
const LISTS = `query Lists($search: String) { lists(search: $search, first: 20) { nodes { ${LIST} } } }`;
const TEMPLATES = `query Templates($search: String) { templates(search: $search, first: 20) {
  nodes { id name version hasUnsubscribe newest { id number subject } } } }`;
const CUSTOMERS = `query Customers($search: String) { customers(search: $search, first: 20) {
  nodes { id name externalRef addresses { address primary } } } }`;
const PREVIEW = `query Preview($id: ID!) { previewMailing(id: $id) { size warnings { code message blocking recipients }
  audience { recipients { value precision } leftOut { reason recipients } } } }`;
const LETTER = `query Letter($id: ID!, $customer: ID) { previewMailing(id: $id, customerId: $customer) { subject text html } }`;
const DOMAIN = `query Domain($id: ID!) { checkSender(id: $id) { ready checkedAt records { kind ok name found wanted advice } } }`;

const ERRORS = "userErrors { code message field }";
const CREATE = `mutation Create($input: CreateCampaignInput!) { done: createCampaign(input: $input) { campaign { ${CAMPAIGN} } ${ERRORS} } }`;
const UPDATE = `mutation Update($input: UpdateCampaignInput!) { done: updateCampaign(input: $input) { campaign { id } ${ERRORS} } }`;
const DELETE = `mutation Delete($input: DeleteCampaignInput!) { done: deleteCampaign(input: $input) { ${ERRORS} } }`;
const ADD = `mutation Add($input: AddMailingInput!) { done: addMailing(input: $input) { mailing { ${MAILING} } ${ERRORS} } }`;
const CHANGE = `mutation Change($input: UpdateMailingInput!) { done: updateMailing(input: $input) { mailing { ${MAILING} } ${ERRORS} } }`;
const REMOVE = `mutation Remove($input: RemoveMailingInput!) { done: removeMailing(input: $input) { ${ERRORS} } }`;
const TEST = `mutation Test($input: SendTestEmailInput!) { done: sendTestEmail(input: $input) {
  results { address verdict response { code text } } ${ERRORS} } }`;
const LAUNCH = `mutation Launch($input: LaunchCampaignInput!) { done: launchCampaign(input: $input) { campaign { id status } ${ERRORS} } }`;

/** The draft, or null when there is no such campaign. */
export const readDraft = async (id) => (await fetchData(READ, { id })).campaign;
/** At most 100: the API has them by name. */
export const readSenders = async () => (await fetchData(SENDERS)).senders?.nodes ?? [];
export const findLists = async (search) => (await fetchData(LISTS, { search: search || null })).lists?.nodes ?? [];
export const findTemplates = async (search) => (await fetchData(TEMPLATES, { search: search || null })).templates?.nodes ?? [];
export const findCustomers = async (search) => (await fetchData(CUSTOMERS, { search: search || null })).customers?.nodes ?? [];
/** What the checklist is about; null when there is no such mailing. */
export const readPreview = async (id) => (await fetchData(PREVIEW, { id })).previewMailing;
/** What the mailing looks like, for one customer or with the sample data. */
export const readLetter = async (id, customer) => (await fetchData(LETTER, { id, customer })).previewMailing;
/** What DNS says of the sender's domain: it is asked anew. */
export const checkSender = async (id) => (await fetchData(DOMAIN, { id })).checkSender;

export const createCampaign = async (input) => (await mutate(CREATE, { input })).campaign;
export const updateCampaign = (input) => mutate(UPDATE, { input });
export const deleteCampaign = (campaignId) => mutate(DELETE, { input: { campaignId } });
export const addMailing = async (input) => (await mutate(ADD, { input })).mailing;
export const updateMailing = async (input) => (await mutate(CHANGE, { input })).mailing;
export const removeMailing = (mailingId) => mutate(REMOVE, { input: { mailingId } });
export const sendTest = async (input) => (await mutate(TEST, { input })).results;
export const launchCampaign = (input) => mutate(LAUNCH, { input });
