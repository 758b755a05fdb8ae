// English words of the page, by view. Every language has the same keys and parameters (a test compares them).

export const words = {
  // shell -----------------------------------------------------------------------------------------------

  shell: {
    product: "Customer Emails",
    skip: "Skip to content",
    bar: "Views",
    more: "More",
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
    waiting: (count) => `${count} things wait for a person`,
    reach: {
      live: ["Live", "The service answers"],
      offline: ["Offline", "The service cannot be reached"],
    },
    timesIn: (zone) => `Times in ${zone}`,
    signIn: "Sign in",
    signOut: "Sign out",
    signedInAs: (name) => `Signed in as ${name}`,
    signedOut: "Signed out",
    readOnly: "Read only",
    readOnlyWhy: "This session may look at everything and change nothing",
    search: "Search",
    jump: "Search or jump to",
    close: "Close",
    undo: "Undo",
    undone: (text) => `Undone: ${text}`,
    notUndone: (fault) => `This was not undone. ${fault}`,
    to: "to",
    moreThan: (count) => `more than ${count}`,
    about: (count) => `about ${count}`,
    ages: {
      minutes: (count) => `${count} min`,
      hours: (count) => `${count} h`,
      days: (count) => `${count} days`,
    },

    loading: "Loading …",
    again: "Try again",
    offline: "The service cannot be reached. What you see may be out of date.",
    back: "The service is back",
    unreachable: "The service cannot be reached",
    unreachableWhy: "Your connection or the service is away. It is tried again by itself as soon as it is back.",
    signedOutNow: "You are signed out",
    signedOutWhy: "It goes on as soon as you have signed in.",
    notAllowed: "Your account may not see this",
    unreadable: "This could not be read",
    unexpected: "Something unexpected happened in this page. Try again.",
    noSuchPage: "There is no such page",
    noSuchPageWhy: "Check the web address: it may be cut off.",
    toWorklist: "Go to the worklist",
    noSuchMail: "There is no such mail",
    noSuchMailWhy: "Check the web address, or the mail is another customer's.",
    noneMatch: "Nothing matches these filters.",
    clearFilters: "Clear filters",
    endOfList: "That is all.",

    session: {
      ended: "Your session has ended",
      endedWhy: "Sign in again, and you go on where you were.",
      about: "What was mailed to each customer, what the mail server answered, and what the customer did with it.",
      token: "API token",
      signingIn: "Signing in …",
      link: (command, run) => ["Or open a one-time link. Whoever runs this service makes one with ", command, "; ", run, " prints one."],
      away: "The service cannot be reached. Try again in a moment.",
    },

    keys: {
      heading: "Keys",
      control: "Ctrl",
      everywhere: "Everywhere",
      views: "Go to a view",
      rows: "In a list",
      here: "In this view",
      then: "then",
      palette: "Search or jump to",
      find: "Search of the view",
      help: "These keys",
      undo: "Undo the last action",
      escape: "Close what is on top",
      move: "Move from row to row",
      open: "Open the row",
      act: "The row's buttons, in their order",
      choose: "Choose the row",
      neighbours: "Newer or older, in an open message",
      off: "Keys of one letter are switched off in Settings.",
      on: "Keys of one letter can be switched off in Settings.",
    },

    palette: {
      field: "View, action, customer, message or campaign",
      results: "Results",
      views: "Views",
      actions: "Actions here",
      everywhere: "Actions",
      customers: "Customers",
      messages: "Messages",
      campaigns: "Campaigns",
      allCustomers: (text) => `All customers with “${text}”`,
      allMessages: (text) => `All messages with “${text}”`,
      none: "Nothing is found.",
      asking: "Searching …",
      partly: "Not everything could be searched.",
      found: (count) => (count === 1 ? "1 result" : `${count} results`),
      hint: (enter, tab) => [enter, " opens, ", tab, " in a new tab"],
      subjectErased: "subject erased",
      showKeys: "Show the keys",
      light: "Light theme",
      dark: "Dark theme",
    },
  },

  // words of the API's values -------------------------------------------------------------------------

  words: {
    status: {
      QUEUED: "Waiting for its turn",
      HANDED_OFF: "Being sent now",
      DEFERRED: "Delayed: it will be tried again",
      ACCEPTED: "Accepted by the mail server",
      REFUSED: "Refused by the mail server",
      UNCERTAIN: "Uncertain: no answer after the message had left",
      HELD: "Held",
      CANCELLED: "Cancelled",
      EXPIRED: "Expired: it could not be sent in time",
      BOUNCED: "Bounced: it came back after it had been accepted",
      RECEIVED: "Received from the customer",
    },
    statusShort: {
      QUEUED: "Waiting",
      HANDED_OFF: "Sending",
      DEFERRED: "Delayed",
      ACCEPTED: "Accepted",
      REFUSED: "Refused",
      UNCERTAIN: "Uncertain",
      HELD: "Held",
      CANCELLED: "Cancelled",
      EXPIRED: "Expired",
      BOUNCED: "Bounced",
      RECEIVED: "Received",
    },
    cause: {
      BAD_ADDRESS: "no such mailbox",
      BAD_DOMAIN: "no such domain, or it takes no mail",
      MAILBOX_FULL: "the mailbox is full",
      INACTIVE: "the mailbox is switched off",
      POLICY: "the receiver's policy forbids it",
      SPAM: "the receiver takes it for spam",
      AUTHENTICATION: "SPF, DKIM or DMARC did not satisfy the receiver",
      REPUTATION: "the receiver mistrusts our server",
      SIZE: "the mail is too large",
      CONTENT: "the receiver does not like what is in it",
      GREYLISTED: "the receiver asks newcomers to come back later",
      RATE_LIMITED: "too much mail in too little time",
      RELAY_TROUBLE: "our mail server has trouble",
      DESTINATION_TROUBLE: "the receiving server has trouble",
      OUR_CONFIGURATION: "something is set up wrongly on our side",
      UNSUPPORTED: "a server on the way cannot handle this mail",
      CONNECTION_LOST: "the connection broke",
      TIMEOUT: "the server did not answer in time",
      SUPPRESSED: "the address is on the suppression list",
      OPTED_OUT: "the customer opted out of such mail",
      WRONG_RELAY: "it is bound to a relay that is not configured",
      DEADLINE: "its deadline passed",
      BY_PERSON: "a person decided so",
      UNKNOWN: "the server gave no reason we know",
    },
    stage: {
      CONNECT: "while connecting",
      GREETING: "at the greeting",
      EHLO: "at EHLO",
      STARTTLS: "at STARTTLS",
      AUTH: "at the login",
      MAIL: "about the sender (MAIL FROM)",
      RCPT: "about the recipient (RCPT TO)",
      DATA: "before the content (DATA)",
      CONTENT: "while the content was under way",
      END_OF_DATA: "after the whole mail",
      REPORT: "in a report that came later",
    },
    verdict: {
      ACCEPTED: "Accepted",
      DEFERRED: "Delayed",
      REFUSED: "Refused",
      UNCERTAIN: "Uncertain",
    },
    event: {
      HELD: "Held",
      CANCELLED: "Cancelled",
      EXPIRED: "Expired: its deadline passed",
      RETRIED: "Retry asked for",
      RETRIED_ONCE: "Tried once more without a person's decision: it may arrive twice",
      ASSUMED_SENT: "Assumed sent",
      RESCUED: "Back in the queue: its worker was lost before anything was sent",
      UNCERTAIN: "Uncertain from here on",
      RELEASED: "Released",
      BOUNCED: "Bounced: a report said that it came back",
      COMPLAINED: "Reported as spam by its reader",
      SUPPRESSED: "Address put on the suppression list",
      SUPPRESSION_LIFTED: "The suppression of its address was lifted",
      READDRESSED: "Sent to the customer's present address instead",
      OPTED_OUT: "The reader opted out by this mail",
      SETTLED: "Settled by evidence",
      QUEUED: "Queued",
      ATTEMPTED: "An attempt ended",
      OPENED: "Opened",
      CLICKED: "Link clicked",
      DELAYED: "Delayed: a report said that it is still tried",
      DELIVERED: "A report said that it is in the mailbox",
      RELAYED: "A report said that it was passed on; no more will be heard",
      EXPANDED: "A report said that it was passed on to a list's members",
      REPLIED: "Answered",
      RECEIVED: "Received",
      FORWARDED: "Forwarded to staff",
      ASSIGNED: "A person said whose it is",
      REPORT_BELIEVED: "A person believed the report",
      TRIGGERED: "An event at the customer's set it off",
      DISMISSED: "Taken off the worklist",
      UNDONE: "The last decision was taken back",
    },
    evidence: {
      LATE_ANSWER: "the server's answer, which came late",
      CLICK: "a person followed a link in it",
      REPORT: "a delivery report",
      REPLY: "an answer to it",
    },
    optOutKind: {
      MARKETING: "marketing campaigns",
      EVENT_BASED: "event-based campaigns",
    },
    source: {
      CAMPAIGN: "Campaign",
      WORK_ORDER: "Work order",
      E_SIGNATURE: "E-signature",
      CARD_PROCESSING: "Card processing",
    },
    connectionType: {
      MARKETING_CAMPAIGN: "Marketing campaign",
      INDIVIDUAL_EMAIL: "Individual email",
    },
    hitVerdict: {
      HUMAN: "Person",
      MACHINE: "Machine",
      UNKNOWN: "Unsure",
    },
    hitReason: {
      PREFETCH_HEADER: "the request said that it was a prefetch",
      HEAD_REQUEST: "it asked without reading (HEAD)",
      EMPTY_AGENT: "it named no user agent",
      SCANNER_AGENT: "its user agent is a known scanner's",
      PRIVACY_PROXY: "a mail privacy proxy fetches everything",
      IMAGE_PROXY: "an image proxy hides who asked",
      LINK_BURST: "several links of the mail within moments",
      MANY_MESSAGES: "one origin over many mails within moments",
      BEFORE_ANSWER: "it came before the server had taken the mail",
      HONEYPOT: "it followed a link that no person sees",
      BROWSER_AGENT: "its user agent is a browser's",
      UNRECOGNISED_AGENT: "its user agent is not known",
    },
    suppression: {
      BAD_ADDRESS: "no such mailbox",
      COMPLAINT: "reported our mail as spam",
      STAFF: "set by our people",
    },
    optOutSource: {
      LINK: "by the unsubscribe page",
      ONE_CLICK: "by the unsubscribe button of the mail program",
      STAFF: "set by our people",
      COMPLAINT: "by a spam report",
    },
    author: {
      CUSTOMER: "Verified",
      OTHER: "Another address",
      UNVERIFIED: "Unverified sender",
    },
    authorWhy: {
      CUSTOMER: "It is from the customer's address, and that was verified",
      OTHER: "It is not from the customer's address: a colleague answered our mail, or a person said whose it is",
      UNVERIFIED: "It is said to be from the customer or a reader of a copy, and nothing proves that: it may be forged",
    },
    matchedBy: {
      TOKEN: "a token of ours",
      MESSAGE_ID: "the mail that it names",
      ADDRESS: "the sender's address",
      PERSON: "a person",
    },
    detail: {
      attempt: "Attempt",
      before: "It was",
      cause: "Because",
      event: "Event",
      evidence: "Evidence",
      feedbackType: "Reported as",
      formerAddress: "It was for",
      handedOffAt: "Handed over",
      kinds: "From",
      matchedBy: "Found by",
      reason: "Because",
      source: "How",
      verdict: "Verdict",
    },
    waitsFor: (what) => `Waits for ${what.charAt(0).toLowerCase()}${what.slice(1)}.`,
    noAnswer: "no answer after the message had left",
    reportedUnverified: "Reported as bounced, not verified",
    nextTry: (distance) => `next try ${distance}`,
    detailsOf: (status, subject) => `${status}. Details of ${subject}`,
    details: (status) => `${status}. Details`,
    thisMail: "this mail",
    subjectErased: "subject erased",
    selected: "Selected. Click again to deselect",
    select: "Show which of its links were clicked",
    clicks: (count) => (count === 1 ? "1 click" : `${count} clicks`),
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

  // one customer's mail, and the list of customers --------------------------------------------------------

  emails: {
    heading: "Emails",
    tabs: { sent: "Campaign Emails Sent", clicks: "Links Clicked", notes: "Connection Notes" },
    heads: {
      campaign: "Campaign: Subject", sent: "Sent", opened: "Opened", clicked: "Clicked", url: "URL", dateTime: "Date/Time", way: ["Send/", "Rcvd"],
      type: "Connection Type", title: "Title", subject: "Subject", details: "Details",
    },
    one: "1 mail",
    oneOnly: "One mail only",
    outgoing: "Outgoing",
    received: "Received",
    notYet: "Not yet",
    notSent: "Not sent",
    notOpened: "Not opened",
    notTracked: "Not tracked",
    notTrackedWhy: "The links of this mail lead straight to their pages: nobody knows who followed them.",
    noSent: { heading: "No campaign mail yet", text: "Campaigns sent to this customer will be listed here." },
    noNotes: { heading: "No mail yet", text: "Every mail to and from this customer will be listed here." },
    newTab: "(opens in a new tab)",
    onlyIn: (subject) => ["Only links in ", subject],
    theSelected: "the selected mail",
    showAll: "Show the links of all mail",
    inAll: "Links in all mail, campaign and individual",
    machines: "Include machines",
    noClickOfOne: "No link of this mail was clicked",
    noClicks: "No links clicked yet",
    noClicksAtAll: "Neither people nor machines have followed a link.",
    machinesLeftOut: "Clicks of link scanners and other machines are left out; the switch above shows them.",
    unreadable: "This list cannot be read just now. Try again in a moment.",
    live: {
      live: ["Live", "Changes appear by themselves"],
      polling: ["Looks every 5 s", "No live connection: the service is asked every five seconds"],
      connecting: ["Connecting", "Changes will appear by themselves"],
      offline: ["Offline", "The service cannot be reached"],
      asleep: ["Paused", "Goes on when this tab is looked at"],
    },
    newAbove: (count) => (count === 1 ? "1 new row above" : `${count} new rows above`),
    newRows: (count) => (count === 1 ? "1 new row" : `${count} new rows`),
    newPill: (count) => `${count} new`,
    newerAbove: "Newer rows above: show the newest",
    deselected: "Deselected",
    clicksOfOne: "Links Clicked, of the selected mail only",
    allLinks: "Links of all mail",
    noCustomer: "There is no such customer",
    noCustomerWhy: (name) => ["No customer is known as ", name, ". Check the web address; or the customer was erased."],
    allCustomers: "All customers",
    suppressed: (why, since) => [`Suppressed: ${why}, since `, since],
    optedOut: (what, since) => [`No ${what} since `, since],
    nothingKnown: "No name and no address are known.",
    erasedWhy: "The customer was erased, or both were taken out of the CRM. What stays are times, codes, causes and counts.",
    nothingSent: "No mail was sent to this customer yet.",
  },

  customerList: {
    search: "Search by name, address or reference",
    placeholder: "Name, address or reference",
    hint: (search, move, open) => [search, " searches, ", move, " move, ", open, " opens."],
    attention: "Needs attention",
    attentionWhy: "With messages of the newest 50 that were not sent, are uncertain or held",
    found: (count, { first, one }) => `${first ? "The first " : ""}${count} ${one ? "customer" : "customers"}`,
    noneFound: "No customer found",
    noSuch: "No such customer found",
    noPart: (search) => ["Nobody's name, address or reference contains “", search, "”."],
    noWord: (search) => ["“", search, "” is no word of a name, and no whole address or reference. Parts of them are found by three letters or digits in a row."],
    none: { heading: "No customers yet", text: "They appear here as soon as a system has told the API about them." },
    nothingWaits: { heading: "No customer needs attention", text: "Of nobody's newest 50 messages one was not sent, is uncertain or held." },
    ofNewest: "Of the newest 50 messages",
    notSent: (count) => `${count} not sent`,
    uncertain: (count) => `${count} uncertain`,
    noMail: "No mail yet",
    newerAbove: "Newer customers above: show the newest",
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
    sub: "Kept in this browser, and in force at once.",
    kept: "Kept",
    useTheme: (name) => `Theme: ${name}`,
    themes: { system: "As the system", light: "Light", dark: "Dark" },
    theme: { label: "Theme", why: null },
    language: { label: "Language", why: "Of the page's words, and of dates and numbers.", own: "As the browser" },
    zone: { label: "Time zone", why: (now) => `All times on the page are in it: it is ${now} there.`, own: (zone) => `As the browser (${zone.replaceAll("_", " ")})` },
    density: { label: "Rows", why: null, normal: "Normal", compact: "Compact" },
    letters: { label: "Keys of one letter", why: "G, X, Z, digits, / and ? act while nothing is typed. Ctrl K, arrows and Enter always work." },
    account: { heading: "Your account", name: "Signed in as", may: "You may", mayAll: "Look at everything, and act", until: "Until" },
  },

};
