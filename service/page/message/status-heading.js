// Where a message is in its life, as the heading of its popover: with the time, the reason, or who decided.
import { html } from "../vendor/lit-html/lit-html.js";
import { said } from "../language.js";
import { moment } from "../moments.js";
import { words } from "../words.js";

export function statusHeading({ info, events }) {
  const { status } = info;
  if (status === "DEFERRED" && info.nextAttemptAt) return html`${said.message.delayedUntil} ${moment(info.nextAttemptAt)}`;
  if (status === "HELD" && info.cause) return said.message.heldFor(words.cause(info.cause));
  if (status === "CANCELLED") {
    const by = events?.nodes.findLast((each) => each.kind === "CANCELLED" && !each.copy)?.by;
    if (by) return said.message.cancelledBy(by);
  }
  return words.status(status);
}
