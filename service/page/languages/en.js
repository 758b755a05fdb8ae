// English words of the page, by view. Every language has the same keys and parameters (a test compares them).

export const words = {
  // shell -----------------------------------------------------------------------------------------------

  shell: {
    toWorklist: "To the worklist",
    groups: { work: "Work", sending: "Sending", running: "Running" },
    views: {
      worklist: "Worklist",
      messages: "Messages",
      customers: "Customers",
      addresses: "Addresses",
      campaigns: "Campaigns",
      lists: "Lists",
      templates: "Templates",
      statistics: "Statistics",
      gateway: "Gateway",
      settings: "Settings",
    },
  },

  // shared: plans, chips, choosing ----------------------------------------------------------------------

  shared: {
    back: "Back",
    clear: "Clear",
    filters: "Filters",
    filterBy: "Filter",
    removeFilter: (label) => `Remove the filter ${label}`,
    narrow: (label) => `Find in ${label}`,
    nothingToChoose: "There is nothing to choose.",
    chosenRows: "Chosen rows",
    chosen: (count) => `${count.toLocaleString("en")} chosen`,
  },

  // worklist --------------------------------------------------------------------------------------------

  worklist: {
  },

  // messages --------------------------------------------------------------------------------------------

  messages: {
  },

  // message ---------------------------------------------------------------------------------------------

  message: {
  },

  // customers -------------------------------------------------------------------------------------------

  customers: {
  },

  // addresses -------------------------------------------------------------------------------------------

  addresses: {
  },

  // campaigns -------------------------------------------------------------------------------------------

  campaigns: {
    one: "Campaign",
    newCampaign: "New campaign",
    search: "Title",
    byState: "Campaigns by state",
    tabs: { running: "Running", drafts: "Drafts", scheduled: "Scheduled", finished: "Finished", archived: "Archived" },
    states: { DRAFT: "Draft", SCHEDULED: "Scheduled", RUNNING: "Running", PAUSED: "Paused", FINISHED: "Finished", CANCELLED: "Cancelled" },
    mailingStates: { DRAFT: "Draft", SCHEDULED: "Scheduled", FREEZING: "Audience is being fixed", RUNNING: "Running", FINISHED: "Finished", CANCELLED: "Cancelled" },
    kinds: { MARKETING: "Marketing", EVENT_BASED: "Event-based" },
    parts: { overview: "Overview", recipients: "Recipients", links: "Links", mailings: "Mailings", history: "History" },
    heads: {
      title: "Campaign", progress: "Progress", accepted: "Accepted", opened: "Opened", clicked: "Clicked", time: "Time", priority: "Priority",
      outcome: "Outcome", messages: "Messages", share: "Share", action: "Action", made: "made", link: "Link", people: "People", clicks: "Clicks",
      customer: "Customer", when: "Date", details: "Details",
    },
    times: { cancelled: "Cancelled", finished: "Finished", starts: "Starts", ends: "Ends about", launched: "Launched" },
    priority: "priority",
    priorities: (level) => (level === 1 ? "1, first" : level === 7 ? "7, last" : String(level)),
    sentAs: "sent as",
    archivedSince: "archived",
    pausedSince: "Paused since",
    notTracked: "Not tracked",
    notBegun: "Not begun",
    changed: "The list has changed: show it as it is now",
    found: (count) => `${count} found`,
    isNow: (state) => `The campaign is now: ${state}`,
    of: (part, all) => `${part} of ${all}`,
    about: (count) => `about ${count}`,
    moreThan: (count) => `more than ${count}`,
    percent: (count) => `${count} %`,
    handedOver: (text) => `${text} handed over`,
    launched: "Launched",
    all: (count) => `All ${count}`,
    version: (count) => `version ${count}`,
    everybody: "All",
    allMailings: "All mailings",
    mailingNumber: (count) => `Mailing ${count}`,
    byOutcome: "Recipients by outcome",
    searchRecipients: "Name or address",
    cause: "Cause",
    reason: "Reason",
    due: "Due",
    clicks: (count) => (count === 1 ? "1 click" : `${count} clicks`),
    listed: (count, value) => (value === 1 ? "1 recipient" : `${count} recipients`),
    clearSearch: "Clear the search",
    clearFilters: "Clear filters",
    more: "More actions",
    notDone: "This could not be done.",
    notCounted: "It could not be counted whom this is about.",
    tooLongToExport: "This search is too long for a file: narrow it.",
    unknown: { campaign: "There is no such campaign", page: "There is no such page", why: "The web address may be mistyped, or the campaign was a draft that was deleted." },
    none: {
      any: "No campaigns yet", anyWhy: "A campaign sends one letter to a list.",
      running: "No campaign is running", drafts: "There are no drafts", scheduled: "No campaign is scheduled", finished: "No campaign is finished", archived: "No campaign is archived",
      elsewhere: "The other tabs have campaigns.",
      found: "No campaign found", foundWhy: "No title here contains",
      links: "No link was followed yet", linksWhy: "Each link that a person follows is listed here, with how many people did.", linksUntracked: "Opens and clicks of this campaign are not tracked.",
      recipients: "Nobody yet", matches: "Nothing matches these filters", matchesWhy: "No recipient of this campaign is of this kind now.",
    },
    outcomes: {
      accepted: "accepted", refused: "refused", bounced: "bounced", expired: "expired", held: "held", uncertain: "uncertain", cancelled: "cancelled", onTheWire: "being sent", queued: "waiting",
    },
    outcomeNames: {
      accepted: "Accepted", refused: "Refused", bounced: "Bounced", expired: "Expired", held: "Held", uncertain: "Uncertain", cancelled: "Cancelled", onTheWire: "Sending", queued: "Waiting",
    },
    pace: {
      paused: "Nothing leaves while it is paused.", cancelled: "Cancelled", finished: "Finished", nextMailing: "The next mailing starts", waitsForEvents: "It waits for events.",
      none: "Nothing was decided in the last five minutes.", rate: (count) => `${count} a minute.`, ends: "Ends about", ifNothingChanges: "if nothing changes.",
    },
    audience: {
      heading: "Audience", list: "List", minus: "minus list", named: "Customers named one by one", events: "Whoever an event happens to",
      all: "In the audience", allOfMailings: (count) => `In the audience of ${count} mailings`, leftOut: "Left out", notFrozen: "The audience is fixed when the mailing starts.",
    },
    leftOut: {
      OPTED_OUT: "opted out", SUPPRESSED: "suppressed", NO_ADDRESS: "without an address", DUPLICATE_ADDRESS: "same address twice", ERASED: "erased", MERGE_FIELD_MISSING: "lack a merge field",
    },
    leftOutBecause: (reason) => `Left out: ${reason}`,
    people: { heading: "What people did", opened: "Opened", clicked: "Clicked", unsubscribed: "Opted out by it", complained: "Reported as spam", replied: "Replied" },
    countsPeople: "Opened and clicked count people.",
    machines: (count) => `Of ${count} more only machines opened or clicked: they are left out.`,
    realOpens: (least, most) => `The real opens lie between ${least} and ${most}.`,
    linksCountPeople: "Clicks of machines are left out.",
    course: {
      heading: "Accepted, opened, clicked", headingUntracked: "Accepted", unit: "messages", paused: "paused",
      summary: (accepted, opened, clicked) => `Up to now ${accepted} accepted, ${opened} opened and ${clicked} clicked by people.`,
      summaryUntracked: (accepted) => `Up to now ${accepted} accepted. Opens and clicks are not tracked.`,
    },
    toCome: { draft: "Nothing is sent before it is launched.", starts: "The first mailing starts", freezing: "It starts as soon as its audience is fixed." },
    schedule: {
      eachZone: "in each customer's time zone", atLaunch: "at the launch", atEvent: "at the event", notBefore: (time) => `not before ${time} of the customer's day`,
      after: (days, minutes, event) => {
        const long = [days && (days === 1 ? "1 day" : `${days} days`), minutes && (minutes === 1 ? "1 minute" : `${minutes} minutes`)].filter(Boolean).join(" and ");
        return long ? `${long} after the ${event ? "event" : "launch"}` : `at the ${event ? "event" : "launch"}`;
      },
    },
    notOpened: (count) => `only who did not open mailing ${count}`,
    buttons: {
      edit: "Edit", pause: "Pause", resume: "Resume", copy: "Copy", archive: "Archive", bringBack: "Bring back", cancel: "Cancel campaign…", delete: "Delete draft…", export: "Export CSV",
      retryN: (count) => `Retry ${count}`, settleN: (count) => `Settle ${count}`,
    },
    paused: (count) => (count === 0 ? "Paused. Nothing was on the wire." : count === 1 ? "Paused. 1 was on the wire and will be counted." : `Paused. ${count} were on the wire and will be counted.`),
    resumed: "Resumed.",
    archived: "Archived.",
    broughtBack: "Brought back from the archive.",
    prioritySet: (level) => `The priority is ${level} now.`,
    copyOf: (title) => `Copy of ${title}`,
    copied: (title) => `“${title}” is a draft now.`,
    counting: "Counting …",
    causesLeft: {
      OPTED_OUT: "They opted out.", SUPPRESSED: "Their address is on the suppression list.", BAD_ADDRESS: "There is no such mailbox: correct the address.", BAD_DOMAIN: "There is no such domain, or it takes no mail: correct the address.",
    },
    plans: {
      retry: "Retry", retryMany: (count) => `Retry ${count} messages?`, goBack: "go back to the queue", sameAddress: "To the address they were for, as soon as it is their turn.",
      waitForResume: "They wait until the campaign is resumed.", stay: "stay as they are", retryConfirm: (count, value) => (value === 1 ? "Retry 1 message" : `Retry ${count} messages`),
      retried: (count) => (count === 1 ? "1 message goes back to the queue." : `${count} messages go back to the queue.`),
      settleMany: (count) => `What becomes of ${count} uncertain messages?`, whatBecomes: "What becomes of them", assumeSent: "Assume sent", tryAgain: "Retry",
      countAsSent: "count as accepted", notTriedAgain: "They are not tried again. Evidence that comes later still counts.", mayGetTwice: "Their readers may get them twice.",
      assumeConfirm: (count, value) => (value === 1 ? "Assume 1 sent" : `Assume ${count} sent`), assumed: (count) => (count === 1 ? "1 message counts as sent." : `${count} messages count as sent.`),
      cancel: "Cancel the campaign?", notSent: "are not sent", cannotResume: "A cancelled campaign cannot be resumed.", stillDecided: "are on the wire, and are still counted", mailingNotSent: (count) => `Mailing ${count} is not sent`,
      stayAsTheyAre: "were handed over", cannotBeTakenBack: "They cannot be taken back.", noMoreEvents: "Events are not answered any more.", nothingWaits: "Nothing of it waits. It is over then.",
      cancelConfirm: (count, value) => (value === 1 ? "Cancel 1 message" : `Cancel ${count} messages`), cancelCampaign: "Cancel the campaign", cancelled: (count) => `Cancelled. ${count} messages are not sent.`,
      delete: "Delete this draft?", deleteWhat: (count) => (count === 1 ? "Its mailing and its history are deleted, too." : `Its ${count} mailings and its history are deleted, too.`), deleteConfirm: "Delete the draft", deleted: "The draft was deleted.",
    },
    events: {
      createCampaign: "Created", updateCampaign: "Changed", copyCampaign: "Copied", archiveCampaign: "Archived, or brought back", launchCampaign: "Launched", pauseCampaign: "Paused", resumeCampaign: "Resumed", cancelCampaign: "Cancelled",
      finished: "Finished", retryCampaign: "Retry asked for", settleCampaign: "Settled", carriedOut: "Carried out", addMailing: "Mailing added", updateMailing: "Mailing changed", removeMailing: "Mailing taken off", deleteList: "A list of it was deleted",
    },
    fields: {
      title: "Title", kind: "Kind", priority: "Priority", sender: "Sender", senderVersion: "Version of the sender", mergeData: "Values for all", tracked: "Tracked", repeat: "How often", lists: "Lists", excludedLists: "Without lists", customers: "Customers named",
      archived: "Archived", number: "Number", status: "State", template: "Template", version: "Version", subject: "Subject", sendAt: "At", atLocalTime: "At local time", afterDays: "Days after", afterMinutes: "Minutes after", localTime: "Not before", notOpened: "Who did not open mailing",
    },
    history: {
      itself: "by itself", nothing: "none", yes: "yes", no: "no", about: (count) => `${count} recipients`, settledByRetry: "retried", settledAsSent: "assumed sent", copyOf: (title) => `from “${title}”`,
      onTheWire: (count) => `${count} on the wire`, carriedOut: (done, skipped) => (skipped ? `${done} done, ${skipped} had been decided otherwise or may not be mailed` : `${done} done`), mailing: (count, text) => (text ? `${count} · ${text}` : String(count)),
    },
  },

  // lists -----------------------------------------------------------------------------------------------

  lists: {
  },

  // templates -------------------------------------------------------------------------------------------

  templates: {
  },

  // plot ------------------------------------------------------------------------------------------------

  plot: {
    role: "plot",
    keys: "The left and right arrow keys go from value to value, Home and End to the first and the last.",
    asTable: "As a table",
    tableOf: (name) => `${name}, as a table`,
    time: "Time",
    logarithmic: (unit) => `${unit}, logarithmic`,
    between: (lower, upper) => `between ${lower} and ${upper}`,
    notLoaded: "The plot cannot be drawn now. Its numbers are in the table.",
  },

  // statistics ------------------------------------------------------------------------------------------

  statistics: {
  },

  // gateway ---------------------------------------------------------------------------------------------

  gateway: {
  },

  // settings --------------------------------------------------------------------------------------------

  settings: {
  },

};
