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
