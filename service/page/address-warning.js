// A warning before an address that was typed is used: its domain looks mistyped, or nobody takes mail for it.
import { Refused } from "./errors.js";
import { fetchData } from "./graphql.js";
import { said } from "./language.js";

const CHECK = "query CheckAddress($address: String!) { checkAddress(address: $address) { warnings { text } } }";
/** A person waits meanwhile: as long as the API asks DNS. */
const LONGEST_MS = 5_000;

/** The address that was warned of last: given again, it is meant so. */
let warnedOf = null;

/** Throws what speaks against an address, once: who gives it again is not asked again. */
export async function warnOf(address) {
  const again = warnedOf === address;
  warnedOf = null;
  if (again) return;
  const [warning] = await warnings(address);
  if (!warning) return;
  warnedOf = address;
  throw new Refused(`${warning.text} ${said.shared.addressOnceMore}`);
}

/** None where the API does not know: whether the address can be used it says when it is used. */
async function warnings(address) {
  try {
    return (await fetchData(CHECK, { address }, { signal: AbortSignal.timeout(LONGEST_MS) })).checkAddress.warnings;
  } catch {
    return [];
  }
}
