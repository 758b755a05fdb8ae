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
    message: "Message",
    tabs: { outcome: "Outcome", reply: "Reply", content: "Content" },
    none: { heading: "There is no such message", text: "The web address of this page may be mistyped, or the message is another customer's." },
    subjectErased: "subject erased",
    textErased: "text erased",
    newer: "Newer message",
    older: "Older message",
    copyLink: "Copy link",
    copyLinkTitle: "Copy the web address of this message",
    copied: "Copied",
    linkCopied: "The link is copied",
    linkNotCopied: "This browser does not let the page copy. Open the message as a page and copy its web address.",
    openAsPage: "Open as page",
    close: "Close",
    toList: "Messages",
    delayedUntil: "Delayed: it will be tried again at",
    heldFor: (reason) => `Held: ${reason}`,
    cancelledBy: (who) => `Cancelled by ${who}`,
    nextTry: (distance) => `Next try ${distance}:`,
    serverResponse: "Server response",
    events: "Events",
    notTracked: "Not tracked",
    copyReport: "The report of this copy",
    clicks: (count) => (count === 1 ? "1 click" : `${count} clicks`),
    facts: {
      to: "To", from: "From", copies: "Copies", queued: "Queued", received: "Received", accepted: "Accepted", opened: "Opened", clicks: "Links clicked",
      source: "Source", belongsTo: "Belongs to", reference: "Reference", campaign: "Campaign", forwarded: "Forwarded", checks: "Checks", attached: "Attached",
    },
    actions: {
      RETRY: "Retry", RETRY_TO_PRESENT_ADDRESS: "Retry to the present address", ASSUME_SENT: "Assume sent", CANCEL: "Cancel sending",
      LIFT_SUPPRESSION: "Lift the suppression", CORRECT_ADDRESS: "Correct the address", BELIEVE_REPORT: "Believe the report",
      DISMISS: "Take off the worklist", UNDO: "Undo the last decision",
    },
    plans: {
      RETRY: {
        heading: "Retry this message", confirm: "Retry 1 message",
        usual: "It goes back to the queue and is sent as soon as it is its turn.",
        uncertain: "Nobody knows whether the server took it: the customer may get it twice.",
      },
      RETRY_TO_PRESENT_ADDRESS: {
        heading: "Retry this message to the present address", confirm: "Retry 1 message",
        to: "It goes to", was: "The history keeps that it was for",
      },
      CANCEL: { heading: "Cancel sending this message", confirm: "Cancel sending 1 message", usual: "It is not sent. What a server has taken already cannot be taken back." },
      LIFT_SUPPRESSION: { heading: "Lift the suppression", confirm: "Lift the suppression", usual: "may be mailed again.", why: "Why", release: "Send what is held for it" },
      CORRECT_ADDRESS: {
        heading: "Correct the address", confirm: "Correct the address", address: "Address",
        usual: "The customer's address is replaced, and messages that wait go to the right one.",
      },
      BELIEVE_REPORT: {
        heading: "Believe the report", confirm: "Count 1 message as bounced",
        usual: "It counts from then on as if it carried our token: the message came back, and its address may be suppressed.",
      },
    },
    done: "Done. The events say so.",
    undone: "The last decision was taken back.",
    doneOf: { ASSUME_SENT: "1 message counts as sent.", DISMISS: "1 message was taken off the worklist." },
    unreachable: "The service cannot be reached. Nothing was changed.",
    letter: {
      label: "The message", automatic: "Automatic reply", notKept: "What it said is not kept any more.", noSender: "No sender named", answers: "Answers",
      nothingNew: "Nothing was written anew.", noText: "It has no text.", cut: "The text is longer; it ends here.",
      quoted: (lines) => `Show quoted text (${lines === 1 ? "1 line" : `${lines} lines`})`,
      bytes: (count) => `${count} bytes`,
    },
    report: {
      by: (who) => `reported by ${who}`, refusedBy: (host) => `refused by ${host}`, notVerified: "Not verified", bounced: "Bounced", reported: "Reported as bounced",
      doubt: "Anybody who has the message could have written this report: it carries no token of ours. It changes nothing until a person believes it.",
    },
    timeline: {
      noTls: "no TLS", silent: "The server said nothing.", unreadable: "The server said, which is no reply to a message:",
      attempt: (number) => `attempt ${number}`, how: (relay, stage, took) => `by relay ${relay}, ${stage}, in ${took}`, toCopy: "to",
      workerLost: "Its worker was lost while it was being sent", perhapsMachine: ", perhaps by a machine", by: (who) => `by ${who}`,
      unreadableNow: "This cannot be read just now.", none: "Nothing is on record.", more: "Show what followed",
    },
    content: {
      whichLabel: "Content", asLabel: "Show it as", widthLabel: "Width", exact: "Exact message", template: "Template", html: "HTML", text: "Text", source: "Source",
      phone: "Phone", desktop: "Desktop",
      isExact: "Exact: its fingerprint is the one of what was sent or came in, SHA-256", isNotExact: (why) => `Not exact. ${why}`,
      nothingCounted: "Links do nothing here, pictures from elsewhere are not fetched, and nothing is counted.",
      download: "Download .eml", noText: "There is no such part, or it is too large to be shown.", cut: "It is longer; the file has all of it.",
      sample: "With sample data, not this customer's. Subject:",
      notKept: "What it said is not kept any more.",
      notAllowed: "You may see what happened, not what was written; or its content is no longer kept.",
    },
  },

  // customers -------------------------------------------------------------------------------------------

  customers: {
  },

  // addresses -------------------------------------------------------------------------------------------

  addresses: {
  },

  // campaigns -------------------------------------------------------------------------------------------

  campaigns: {
  },

  // lists -----------------------------------------------------------------------------------------------

  lists: {
  },

  // templates -------------------------------------------------------------------------------------------

  templates: {
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
