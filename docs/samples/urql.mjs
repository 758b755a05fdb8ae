// urql: one customer's sent mail, page after page, then the first change that is heard of.
// URL=http://127.0.0.1:8000/graphql TOKEN=ce_... node urql.mjs NL-1004
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { createClient } from "graphql-sse";

const { URL: url, TOKEN: token } = process.env;
const ref = process.argv[2];

const headers = { Authorization: `Bearer ${token}` };
const events = createClient({ url, headers });
const client = new Client({
  url,
  fetchOptions: { headers },
  preferGetMethod: false,
  exchanges: [
    cacheExchange({
      resolvers: { CustomerEmails: { sent: relayPagination(), connectionNotes: relayPagination() } },
    }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: events.subscribe({ query: query ?? "", variables }, sink) }),
      }),
    }),
  ],
});

const HISTORY = gql`
  query History($ref: String!, $after: String) {
    customer(externalRef: $ref) {
      id
      emails {
        id
        sent(first: 1, after: $after) { edges { cursor node { id subject } } pageInfo { hasNextPage endCursor } }
      }
    }
  }
`;
const CHANGES = gql`
  subscription Changes($id: ID!) { customerEmailsChanged(customerId: $id) { kind messageId } }
`;

let { data, error } = await client.query(HISTORY, { ref });
if (error) throw error;
while (data.customer.emails.sent.pageInfo.hasNextPage) {
  ({ data } = await client.query(HISTORY, { ref, after: data.customer.emails.sent.pageInfo.endCursor }));
}
const change = await new Promise((resolve) => {
  const following = client.subscription(CHANGES, { id: data.customer.id }).subscribe((result) => {
    resolve(result);
    queueMicrotask(() => following.unsubscribe());
  });
});

const subjects = data.customer.emails.sent.edges.map(({ node }) => node.subject);
console.log(JSON.stringify({ subjects, change: change.data.customerEmailsChanged.kind }));
