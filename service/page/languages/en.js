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
    title: "Worklist",
    waits: (count, one) => `${count} ${one ? "thing waits" : "things wait"} for a person.`,
    oldest: (age) => `The oldest has waited ${age}.`,
    nothing: "Nothing waits for a person.",
    nothingText: "Uncertain, held and unsent messages, bad addresses, unmatched mail and stopped relays stand here as soon as there are any.",
    fresh: (count) => `${count} new`,
    all: (count) => `All ${count}`,
    back: "Worklist",
    keys: { move: "move", open: "open", act: "the row’s buttons", undo: "undo", all: "all keys" },
    figures: {
      label: "Today in four numbers",
      accepted: "Accepted today",
      refused: "Refused or bounced",
      waiting: "Waiting",
      opened: "Opened by people",
      yesterday: (count) => `${count} yesterday`,
      byNow: "Yesterday by this hour",
      course: "The last 24 hours, by the hour",
      stopped: (name) => `relay ${name} is stopped`,
      oldest: (age) => `the oldest for ${age}`,
      noneLate: "nothing is late",
    },
    groups: {
      relays: { heading: "Stopped", why: "Nothing leaves by them until somebody acts." },
      uncertain: { heading: "Uncertain", why: "Nobody knows whether the server took them." },
      held: { heading: "Held", why: "They wait until somebody releases them." },
      unsent: { heading: "Not sent", why: "Individual messages that were refused, bounced or expired." },
      "bad-addresses": { heading: "Bad addresses", why: "Each costs reputation until it is corrected." },
      unmatched: { heading: "Unmatched messages", why: "They came in, and belong to no customer yet." },
      campaigns: { heading: "Campaigns", why: "Some of their messages were not sent, or they are paused." },
      senders: { heading: "Senders", why: "Their DNS is not ready: receivers may refuse what they send." },
    },
    actions: {
      tryNow: "Try now",
      openRelay: "Open relay",
      openDomain: "Open destination",
      openLane: "Open gateway",
      assumeSent: "Assume sent",
      retry: "Retry",
      look: "Look through",
      release: "Release",
      cancel: "Cancel sending",
      leave: "Leave it",
      use: (name) => `Use ${name}`,
      edit: "Edit",
      guess: (name) => `${name}?`,
      assign: "Assign",
      setAside: "Set aside",
      resume: "Resume",
      check: "Check again",
      openSender: "Open senders",
      toPresent: "Retry to present address",
    },
    row: {
      relay: (name) => `Relay ${name} is stopped`,
      domain: (name) => `Mail to ${name} is stopped`,
      lane: (name) => `Lane ${name} is paused`,
      laneWaits: (count) => `${count} messages wait in it.`,
      sentToday: (count) => `It took ${count} today.`,
      messages: (count) => `${count} messages`,
      lost: (relay) => `connection to relay ${relay} lost`,
      late: (relay) => `no answer from relay ${relay}`,
      workerLost: "their worker was lost",
      of: (cause, relay) => `${cause}, relay ${relay}`,
      at: "at",
      noEvidence: "Nobody has opened or clicked any of them.",
      evidence: (count) => `A person opened or clicked ${count} of them: those arrived.`,
      source: (count, name) => `${count} ${name}`,
      noAnswer: "No answer after the message had left.",
      erased: "subject erased",
      noSubject: "No subject",
      suppressed: "Its address is suppressed: it cannot be released before that is lifted.",
      waiting: (count) => `${count} ${count === 1 ? "message waits" : "messages wait"} for the right address.`,
      from: (address) => `From ${address}`,
      fromNobody: "From nobody, as reports are",
      notSent: (count, total) => `${count} of ${total} not sent`,
      outcome: (count, name) => `${count} ${name}`,
      paused: "It is paused.",
      sender: (name) => `DNS of ${name} is not ready`,
      record: (kind, advice) => `${kind}: ${advice}`,
      gone: "Settled meanwhile.",
      tried: (time) => `Let go again at ${time}. If it stops again, it stands here again.`,
      ready: "Its DNS is ready now.",
      stillNot: (time) => `Checked at ${time}: still not ready.`,
      doing: "Under way …",
    },
    outcomes: { refused: "refused", bounced: "bounced", expired: "expired", held: "held" },
    reasons: {
      NO_TRACE: "It names no message of ours.",
      TOKEN_INVALID: "Its token is not ours, or was altered.",
      SEVERAL_CUSTOMERS: "Several customers have the address.",
      UNKNOWN_SENDER: "No customer has the address.",
      UNREADABLE: "It could not be read as a report.",
    },
    plan: {
      counting: "Counting …",
      heading: {
        ASSUME_SENT: "Count as sent?",
        RETRY: "Send again?",
        RETRY_TO_PRESENT_ADDRESS: "Send to the present address?",
        RELEASE: "Release?",
        CANCEL: "Cancel sending?",
        DISMISS: "Take off the worklist?",
      },
      confirm: {
        ASSUME_SENT: (count, one) => `Count ${count} ${one ? "message" : "messages"} as sent`,
        RETRY: (count, one) => `Retry ${count} ${one ? "message" : "messages"}`,
        RETRY_TO_PRESENT_ADDRESS: (count, one) => `Retry ${count} ${one ? "message" : "messages"}`,
        RELEASE: (count, one) => `Release ${count} ${one ? "message" : "messages"}`,
        CANCEL: (count, one) => `Cancel ${count} ${one ? "message" : "messages"}`,
        DISMISS: (count, one) => `Leave ${count} ${one ? "message" : "messages"}`,
      },
      line: {
        ASSUME_SENT: (one) => `${one ? "counts" : "count"} as sent, and ${one ? "is" : "are"} not tried again.`,
        RETRY: (one) => `${one ? "goes" : "go"} back to the queue.`,
        RETRY_TO_PRESENT_ADDRESS: (one) => `${one ? "goes" : "go"} to the customer’s present address.`,
        RELEASE: (one) => `${one ? "goes" : "go"} back to the queue.`,
        CANCEL: (one) => `${one ? "is" : "are"} not sent. This cannot be undone.`,
        DISMISS: (one) => `${one ? "leaves" : "leave"} the worklist; ${one ? "its" : "their"} status stays.`,
      },
      twice: (count) => `The readers may get ${count === "1" ? "it" : "them"} twice.`,
      individual: (count) => `${count} not of a campaign.`,
      cause: (count, name) => `${count}: ${name}`,
      notAllowed: (one) => `${one ? "stays" : "stay"}: ${one ? "it does" : "they do"} not allow it.`,
      suppressedStay: (one) => `${one ? "stays" : "stay"}: suppressed or opted out, or what ${one ? "it waits" : "they wait"} for is not settled.`,
      more: "There are more: settle these, then the others.",
      changed: "What waited has changed: there is nothing to do.",
      tooMany: (most) => `At most ${most} at once: choose fewer, or all of them.`,
      expired: "The plan was too old. It was counted again.",
      correct: (address) => `Correct to ${address}?`,
      correctIt: "Which address is right?",
      address: "Address",
      correctOnly: "Correct the address",
      correctAndRetry: (count, one) => `Correct and retry ${count} ${one ? "message" : "messages"}`,
      replaced: (from, to) => `${from} becomes ${to}.`,
      waitingGo: (one) => `that ${one ? "waits goes" : "wait go"} to the right address.`,
    },
    done: {
      ASSUME_SENT: (count, one) => `${count} ${one ? "message counts" : "messages count"} as sent.`,
      RETRY: (count, one) => `${count} ${one ? "message goes" : "messages go"} back to the queue.`,
      RETRY_TO_PRESENT_ADDRESS: (count, one) => `${count} ${one ? "message goes" : "messages go"} to the present address.`,
      RELEASE: (count, one) => `${count} ${one ? "message is" : "messages are"} released.`,
      CANCEL: (count, one) => `${count} ${one ? "message is" : "messages are"} not sent.`,
      DISMISS: (count, one) => `${count} ${one ? "message is" : "messages are"} off the worklist.`,
      skipped: (count, one) => `${count} had changed and ${one ? "was" : "were"} left alone.`,
      kept: (count) => `${count} had changed since and could not be taken back.`,
      corrected: (address) => `The address is ${address} now.`,
      retried: (count, one) => `${count} ${one ? "message goes" : "messages go"} to it.`,
      assigned: (name) => `It belongs to ${name} now.`,
      setAside: (count, one) => `${count} ${one ? "message is" : "messages are"} set aside.`,
      resumed: (name) => `${name} goes on.`,
    },
    choose: (name) => `Choose ${name}`,
    chooseAll: (count) => `Choose all ${count}`,
    onlyShown: (count) => `Only the ${count} shown`,
    chosenAll: (count) => `All ${count} are chosen.`,
    incident: (count) => `${count} of one incident`,
    wholeGroup: "The whole group",
    noneLeft: "Nothing of this kind waits.",
    unread: "This could not be read.",
    again: "Try again",
    settleGroup: "Settle together",
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
