// Sending with Node alone: a mail with an attachment, then a campaign with merge fields.
// URL=http://127.0.0.1:8000 TOKEN=ce_... node sending.mjs Customer_1
const { URL: url, TOKEN: token } = process.env;
const customerId = process.argv[2];

async function call(query, variables) {
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json",
      Authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  const [payload] = Object.values(data);
  if (payload.userErrors.length) throw new Error(JSON.stringify(payload.userErrors));
  return payload;
}

async function upload(name, bytes) {
  const answer = await fetch(`${url}/attachments?name=${encodeURIComponent(name)}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: bytes,
  });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).id;
}

const offer = await upload("offer.txt", new TextEncoder().encode("Home cinema: 1,542.00 USD"));
const { message } = await call(
  `mutation Offer($input: SendESignatureEmailInput!) {
    sendESignatureEmail(input: $input) { message { id status } userErrors { code message field } } }`,
  {
    input: {
      customerId,
      idempotencyKey: "offer-4711",
      documentKind: "PROPOSAL",
      title: "Home cinema",
      portalUrl: "https://portal.example.com/sign/4711",
      expiresAt: "2036-12-31T12:00:00Z",
      attachmentIds: [offer],
    },
  },
);

const { sender } = await call(
  `mutation Sender($input: CreateSenderInput!) {
    createSender(input: $input) { sender { id } userErrors { code message field } } }`,
  {
    input: {
      name: "spring",
      fromName: "Fabrikam Installers",
      fromAddress: "hello@fabrikam.example",
      postalAddress: "1 Main Street, Springfield",
    },
  },
);
const { template } = await call(
  `mutation Publish($input: CreateTemplateInput!) {
    createTemplate(input: $input) {
      template { id fields preview { subject text } } userErrors { code message field } } }`,
  {
    input: {
      name: "spring",
      subject: "{{ hours }} for your {{ system|default(\"system\") }}, {{ customer_name }}",
      html: `<p>Dear {{ customer_name }}, we come for {{ hours }}.</p>
        <p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>`,
      sampleData: { hours: "One hour", system: "cinema" },
    },
  },
);
const { campaign } = await call(
  `mutation Draft($input: CreateCampaignInput!) {
    createCampaign(input: $input) { campaign { id } userErrors { code message field } } }`,
  {
    input: {
      title: "Spring service",
      templateId: template.id,
      senderId: sender.id,
      mergeData: { hours: "One hour" },
      recipients: [{ customerId, mergeData: { system: "Halo 12" } }],
      idempotencyKey: "spring-draft",
    },
  },
);
await call(
  `mutation Launch($input: LaunchCampaignInput!) {
    launchCampaign(input: $input) { campaign { id } userErrors { code message field } } }`,
  { input: { campaignId: campaign.id, idempotencyKey: "spring-launch" } },
);

console.log(JSON.stringify({ status: message.status, fields: template.fields, subject: template.preview.subject }));
