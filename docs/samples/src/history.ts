// Types made from the schema by codegen.ts: a field that is not asked for, or is misspelt, does not compile.
import { graphql } from "./gql/gql";
import type { HistoryQuery } from "./gql/graphql";

export const HISTORY = graphql(`
  query History($ref: String!) {
    customer(externalRef: $ref) { name emails { sent(first: 5) { nodes { subject sentAt info { status } } } } }
  }
`);

export function lastSubject(history: HistoryQuery): string | null {
  const [last] = history.customer?.emails.sent?.nodes ?? [];
  return last?.subject ?? null;
}

export function sentAt(history: HistoryQuery): Date | null {
  // A DateTime is a string in JSON.
  const at: string | null | undefined = history.customer?.emails.sent?.nodes[0]?.sentAt;
  return at ? new Date(at) : null;
}
