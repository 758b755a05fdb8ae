// graphql-ws: follows one customer's history until the first change.
// URL=http://127.0.0.1:8000/graphql TOKEN=ce_... node subscription.mjs Customer_1
import { createClient } from "graphql-ws";

const { URL: url, TOKEN: token } = process.env;
const id = process.argv[2];
globalThis.WebSocket ??= (await import("ws")).WebSocket; // Node has one of its own from 22 on

const client = createClient({
  url: url.replace(/^http/, "ws"),
  connectionParams: { Authorization: `Bearer ${token}` },
  // The service closes every socket after an hour: try again for ever, and read the list again at each RESYNC.
  retryAttempts: Infinity,
  // 4403: the token is wrong, or was revoked. No try will be better.
  shouldRetry: (event) => event?.code !== 4403,
});
const changes = client.iterate({
  query: "subscription ($id: ID!) { customerEmailsChanged(customerId: $id) { kind messageId } }",
  variables: { id },
});
for await (const { data, errors } of changes) {
  if (errors) throw new Error(errors[0].message);
  console.log(JSON.stringify(data.customerEmailsChanged));
  break;
}

await client.dispose();
