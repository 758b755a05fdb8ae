// What an import has added to a list, taken off it again.
import { deleteList, readMembers, removeFromList } from "./queries.js";

/** Customers of an import that can be taken off its list at once: fifty pages. */
export const UNDO_MOST = 5_000;
const PAGE = 100;

/** Deletes a list that was made for the import; else takes off whom it has added: they are the newest members. */
export async function takeBack({ list, madeList, import: { fileName, createdAt } }) {
  if (madeList) return deleteList(list.id);
  const ids = [];
  let after = null;
  while (ids.length < UNDO_MOST) {
    const { edges, pageInfo } = await readMembers(list.id, { search: null, first: PAGE, after });
    const own = edges.filter(({ node }) => node.by === `import ${fileName}` && Date.parse(node.addedAt) >= Date.parse(createdAt));
    ids.push(...own.map(({ node }) => node.customer.id));
    after = pageInfo.endCursor;
    if (own.length < edges.length || !pageInfo.hasNextPage) break;
  }
  for (let at = 0; at < ids.length; at += 1_000) await removeFromList(list.id, ids.slice(at, at + 1_000));
  return undefined;
}
