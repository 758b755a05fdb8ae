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
    parts: {
      label: "Customer",
      emails: "Emails",
      lists: "Lists",
      campaigns: "Campaigns",
      addresses: "Addresses",
      choices: "Choices",
      write: "Write an email",
      joins: "Opens your mail program. The answer joins this history where the program takes the Reply-To.",
      joinsNot: "Opens your mail program. The answer goes to you alone: no REPLY_DOMAIN is set up.",
      print: "Print",
      printed: "Printed",
      printedBy: "by",
      printedPart: (count) => `Only the newest ${count.toLocaleString("en")} rows.`,
      unknown: "There is no such customer",
      unknownWhy: ["No customer is known as", ". Check the web address."],
      all: "All customers",

      listName: "Fixed list",
      addToList: "Add to list",
      added: (name) => `Added to ${name}.`,
      takeOut: "Remove",
      takenOut: (name) => `Removed from ${name}.`,
      asItWas: (name) => `Nothing changed in ${name}.`,
      listHeads: ["List", "Kind", "Since", "By", ""],
      kinds: { FIXED: "Fixed", DYNAMIC: "Dynamic" },
      byCriteria: "by its criteria",
      noLists: "In no list",
      noListsWhy: "The lists that this customer is in stand here.",

      toCome: "Still to come",
      got: "Sent and left out",
      toComeHeads: ["Campaign and subject", "State", "Due"],
      gotHeads: ["Campaign and subject", "Outcome", "When"],
      nothingToCome: "No campaign will reach this customer as it is now.",
      moreToCome: "More are to come.",
      noCampaigns: "No campaigns yet",
      noCampaignsWhy: "What campaigns send this customer stands here.",
      leftOut: "Left out",
      leftOutWhy: {
        OPTED_OUT: "opted out",
        SUPPRESSED: "the address must not be mailed",
        NO_ADDRESS: "no address",
        DUPLICATE_ADDRESS: "the address is another customer’s, too",
        ERASED: "erased",
        MERGE_FIELD_MISSING: "a merge field has no value",
      },

      primary: "Primary",
      makePrimary: "Make primary",
      nowPrimary: (address) => `${address} is the primary address now.`,
      takeAway: "Remove",
      tookAway: (address) => `${address} is removed.`,
      addAddress: "Add an address",
      addAddressWhy: "Mail goes to the primary address; another one is used where somebody names it.",
      newAddress: "Address",
      addIt: "Add the address",
      addedAddress: (address) => `${address} is added.`,
      noAddresses: "No address is known.",
      replyTo: "Reply-To for your own mail program, by which answers join this history:",

      choice: { marketing: "Marketing campaigns", eventBased: "Event-based campaigns" },
      maySend: "May be sent.",
      notSince: "Not since",
      on: "may be sent",
      off: "not sent",
      chosen: {
        marketing: { out: "No more marketing campaigns.", in: "Marketing campaigns may be sent again." },
        eventBased: { out: "No more event-based campaigns.", in: "Event-based campaigns may be sent again." },
      },
      allowAgain: { marketing: "Send marketing campaigns again?", eventBased: "Send event-based campaigns again?" },
      allowIt: { marketing: "Allow marketing campaigns", eventBased: "Allow event-based campaigns" },
      choseSelf: "The customer opted out",
      onlyIfAsked: "Only allow them if the customer asked: every address of theirs counts.",
      individual: "Work orders, documents to sign and payments are mailed whatever is chosen here.",
    },
  },

  // addresses -------------------------------------------------------------------------------------------

  addresses: {
    tabs: { bad: "Bad", suppressed: "Suppressed", "opted-out": "Opted out" },
    heads: {
      bad: ["Customer", "Address", "Failed", "Why", "What to do"],
      suppressed: ["Customer", "Address", "Why", "What to do"],
      "opted-out": ["Customer", "Address", "What they chose"],
    },
    none: { bad: "No bad addresses.", suppressed: "Nobody is suppressed.", "opted-out": "Nobody opted out." },
    noneWhy: {
      bad: "An address that takes no mail appears here, with what may help.",
      suppressed: "An address that must not be mailed appears here, with why and since when.",
      "opted-out": "Who chose not to get campaigns appears here, with when and how.",
    },
    noneFound: "Nothing is found.",
    clearSearch: "Clear the search",
    searchLabel: "Name, address or reference",
    export: "Export CSV",
    exportTooLong: "The search is too long for a file: shorten it.",
    newer: (count) => (count ? `${count} new` : "Newer rows above: show the newest"),
    failed: "Failed",
    failingSince: "failing since",
    since: "since",
    by: "by",
    actors: { gateway: "the gateway", customer: "the customer" },
    evidence: "the message",
    nobody: "Nobody’s now",
    erased: "erased address",
    noAddress: "no address",
    subjectErased: "Subject erased",
    marketing: "No marketing campaigns",
    eventBased: "No event-based campaigns",
    scopes: { ALL_MAIL: "no mail at all", CAMPAIGNS: "no campaigns" },
    use: "Use",
    edit: "Edit",
    retry: "Retry",
    lift: "Lift",
    correctTo: "Correct to",
    whichIsRight: "Which address is right?",
    rightAddress: "Address",
    goToRight: (count) => (count === 1 ? "message that waits goes to the right address" : "messages that wait go to the right address"),
    waitingGoes: "Messages that wait for it go to the right address.",
    nothingWaits: "No message waits for it.",
    staysAgainst: "What stands against the wrong address stays.",
    correct: "Correct the address",
    correctAndRetry: (count) => `Correct and retry ${count.toLocaleString("en")} ${count === 1 ? "message" : "messages"}`,
    corrected: (address, count) => `Corrected to ${address}.${count ? ` ${count.toLocaleString("en")} ${count === 1 ? "message goes" : "messages go"} out again.` : ""}`,
    retryHeading: "Retry 1 message?",
    goesTo: "goes back to the queue, to",
    retryOne: "Retry 1 message",
    retried: (address) => `The message to ${address} goes back to the queue.`,
    mayBeMailed: "May we mail",
    warnings: {
      BAD_ADDRESS: "A server said that there is no such mailbox,",
      COMPLAINT: "Its reader reported our message as spam. Only lift it if the customer asked: it stands",
      STAFF: "Our people said that it must not be mailed,",
    },
    whyLift: "Why",
    release: (count) => (count === 1 ? "Send the message held for it" : `Send the ${count.toLocaleString("en")} messages held for it`),
    liftIt: "Lift the suppression",
    lifted: (address, count) => `${address} may be mailed again.${count ? ` ${count.toLocaleString("en")} held ${count === 1 ? "message goes" : "messages go"} out.` : ""}`,
  },

  // find: a field that finds one thing -------------------------------------------------------------------

  find: {
    found: (count) => (count === 0 ? "Nothing is found." : count === 1 ? "1 found" : `${count} found`),
  },

  // unmatched: received mail that is nobody's ------------------------------------------------------------

  unmatched: {
    customer: "Customer",
    from: "From",
    to: "To",
    received: "Received",
    kind: "Seems to be",
    why: "Why it waits",
    noSender: "No sender named",
    noSubject: "No subject",
    subjectErased: "Subject erased",
    noText: "It has no text.",
    assign: "Assign",
    assignTo: (name) => `Assign to ${name}`,
    setAside: "Set aside",
    assigned: (name) => `The message is ${name}’s now.`,
    wasSetAside: "The message is set aside.",
    gone: "This message waits for nobody any more.",
    whichMessage: (name) => `Which message to ${name} does it report on?`,
    noMessages: "Nothing was sent to this customer.",
    kinds: { REPLY: "A reply", BOUNCE: "A delivery report", COMPLAINT: "A spam report", AUTOMATIC: "An automatic reply" },
    reasons: {
      NO_TRACE: "It names no message of ours.",
      TOKEN_INVALID: "It came to an address that looks like ours and is not.",
      SEVERAL_CUSTOMERS: "Several customers have the address.",
      UNKNOWN_SENDER: "No customer has the address.",
      UNREADABLE: "It could not be read as a report.",
    },
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
