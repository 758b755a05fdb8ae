// Apollo Client: one customer's sent mail, page after page, then the first change that is heard of.
// URL=http://127.0.0.1:8000/graphql TOKEN=ce_... node apollo.mjs NL-1004
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";

const { URL: url, TOKEN: token } = process.env;
const ref = process.argv[2];
globalThis.WebSocket ??= (await import("ws")).WebSocket; // Node has one of its own from 22 on

const headers = { Authorization: `Bearer ${token}` };
const socket = createClient({ url: url.replace(/^http/, "ws"), connectionParams: headers });
const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: url, headers }),
  ),
  cache: new InMemoryCache({
    possibleTypes: {
      Node: [
        "Campaign", "CampaignRecipient", "ConnectionNote", "Customer", "CustomerEmails", "CustomerImport",
        "CustomerList", "DeliveryReport", "EmailInfo", "LinkClick", "Mailing", "Message", "Sender", "SentEmail",
        "Suppression", "Template", "TemplateVersion", "UnmatchedMail",
      ],
    },
    typePolicies: {
      CustomerEmails: {
        fields: {
          sent: relayStylePagination(),
          clicks: relayStylePagination(["messageId", "includeMachine"]),
          connectionNotes: relayStylePagination(["filter"]),
        },
      },
    },
  }),
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

let { data } = await client.query({ query: HISTORY, variables: { ref } });
while (data.customer.emails.sent.pageInfo.hasNextPage) {
  const after = data.customer.emails.sent.pageInfo.endCursor;
  // Not from the cache, which has the list already, if only its beginning.
  await client.query({ query: HISTORY, variables: { ref, after }, fetchPolicy: "network-only" });
  data = client.readQuery({ query: HISTORY, variables: { ref } }); // the pages so far, joined
}
const change = await new Promise((resolve, reject) => {
  client.subscribe({ query: CHANGES, variables: { id: data.customer.id } }).subscribe({ next: resolve, error: reject });
});

const subjects = data.customer.emails.sent.edges.map(({ node }) => node.subject);
console.log(JSON.stringify({ subjects, change: change.data.customerEmailsChanged.kind }));
client.stop();
await socket.dispose();
