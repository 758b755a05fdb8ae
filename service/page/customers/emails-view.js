// The Emails page as it is drawn: heading, tabs, the pill of new rows, and the list of the tab.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { connectionNotes } from "./connection-notes.js";
import { customerHeading } from "./customer-heading.js";
import { customerTabs } from "./customer-tabs.js";
import { emailTabs } from "./email-tabs.js";
import { linksClicked } from "./links-clicked.js";
import { said } from "../language.js";
import { failure, NO_SUCH_MAIL, notice, skeleton } from "../notices.js";
import { sentEmails } from "./sent-emails.js";

function broken({ list, place, clearFilter }) {
  if (list.error.argument !== "messageId") return failure(list.error, () => list.open(place.at));
  return notice({ ...NO_SUCH_MAIL, action: html`<button type="button" class="button" @click=${clearFilter}>${said.emails.allLinks}</button>` });
}

function panel(view) {
  const { app, customer, list, place, selected } = view;
  const fault = list.state === "error" ? broken(view) : null;
  if (place.tab === "clicks") {
    return linksClicked(list, {
      selected: place.message,
      subject: selected.subjectFor(customer),
      tracked: selected.tracked,
      machines: place.machines,
      clear: view.clearFilter,
      setMachines: (machines) => app.go({ machines, at: null }, { replace: true }),
    }, fault);
  }
  if (fault) return fault;
  if (list.state === "loading" || list.state === "new") return skeleton();
  const actions = { selected: place.message, select: view.select, open: view.dialog.open };
  return place.tab === "sent" ? sentEmails(list, actions) : connectionNotes(list, actions);
}

/** The pill above the rows, where there are newer ones. */
export function newer({ list, showNewest }) {
  if (list.waiting.length) return html`<button type="button" class="pill" @click=${showNewest}>${said.emails.newPill(list.waiting.length)}</button>`;
  return list.hasNewer ? html`<button type="button" class="pill" @click=${showNewest}>${said.emails.newerAbove}</button>` : nothing;
}

const unknown = ({ app, place }) => notice({
  level: 1,
  heading: said.emails.noCustomer,
  text: said.emails.noCustomerWhy(html`<bdi class="ref">${place.customer}</bdi>`),
  action: html`<a class="button" href="/customers" @click=${app.toList}>${said.emails.allCustomers}</a>`,
});

export function emailsView(view) {
  const { app, customer, dialog, list, place, printing, state } = view;
  if (state === "unknown") return unknown(view);
  if (state === "error") return failure(view.error, () => view.readHeading());
  const liveState = app.offline ? "offline" : (view.live?.state ?? "connecting");
  const [live, title] = said.emails.live[liveState];
  return html`
    ${customer ? customerHeading(customer, app.toList) : html`<div class="heading"><h1 class="unseen">${said.emails.heading}</h1>${skeleton(2)}</div>`}
    ${customerTabs({ reference: place.customer, customer, current: "emails", app, print: printing.print })}
    ${printing.view()}
    <div class="sticky"><div class="tab-line">
      ${emailTabs({ tab: place.tab, filtered: Boolean(place.message), choose: (tab) => tab !== place.tab && app.go({ tab, at: null }) })}
      <span class="live live-${liveState}" title=${title}>${live}</span>
    </div><div class="pill-place">${newer(view)}</div></div>
    <div id="panel" role="tabpanel" aria-labelledby="tab-${place.tab}" aria-busy=${list.state === "loading" ? "true" : "false"}
      tabindex=${list.count ? -1 : 0} @keydown=${view.onKey} @pointermove=${view.listPlace.pointed}>${panel(view)}</div>
    ${dialog.view()}`;
}
