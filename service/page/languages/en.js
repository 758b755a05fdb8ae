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
    heading: "Statistics",
    asOf: "As of",
    filters: "Which figures",
    from: "From",
    to: "To",
    by: "By",
    groups: { day: "Day", cause: "Cause", domain: "Domain", source: "Source", relay: "Relay", campaign: "Campaign", sender: "Sender" },
    presets: { 7: "7 days", 30: "30 days", 90: "90 days" },
    presetsOf: "Usual spans",
    shownOf: "What is shown",
    shown: { outcomes: "Outcomes", reading: "Opened and clicked" },
    columns: { sent: "Queued", accepted: "Accepted", deferred: "Delayed", refused: "Refused", bounced: "Bounced", complained: "Reported as spam", opened: "Opened", clicked: "Clicked", received: "Received", median: "Half accepted within", p95: "95 of 100 within" },
    unknown: { cause: "No trouble", domain: "Domain not known", source: "Answers nothing", relay: "No relay tried", campaign: "Individual email", sender: "Received" },
    total: "Total",
    empty: "Nothing was sent in these days.",
    emptyText: "Choose other days above.",
    backwards: "“From” is after “To”.",
    plot: { outcomes: "Messages a day", reading: "Opened and clicked by people" },
    unit: "messages",
    ofAccepted: "% of accepted campaign messages",
    outcomesSummary: (sent, accepted, refused, bounced) => `Of ${sent} messages ${accepted} were accepted, ${refused} refused, and ${bounced} bounced.`,
    readingSummary: (opened, clicked, accepted) => `Of ${accepted} accepted campaign messages people opened ${opened} and clicked in ${clicked}. The bands are where the true share lies in 95 of 100 cases.`,
    barsSummary: (count) => `The ${count} with most messages. A link shows exactly these messages.`,
    bars: (group) => `Messages by ${group}`,
    share: (text) => `${text} %`,
    utc: "Days by domain are those of UTC.",
  },

  // gateway ---------------------------------------------------------------------------------------------

  gateway: {
    heading: "Gateway",
    tabsOf: "Parts of the gateway",
    tabs: { now: "Now", relays: "Relays", destinations: "Destinations", refusals: "Refusals" },
    rangeOf: "Time shown",
    range: { hour: "Last hour", day: "Last 24 hours" },
    back: "Back",
    none: "none",
    age: { seconds: (n) => `${n.toLocaleString("en")} s`, minutes: (n) => `${n.toLocaleString("en")} min`, hours: (n) => `${n.toLocaleString("en")} h`, days: (n) => (n === 1 ? "1 day" : `${n.toLocaleString("en")} days`) },
    numbers: {
      of: "The gateway now",
      waiting: "Waiting",
      oldest: (age) => `the oldest for ${age}`,
      nothingDue: "nothing is due",
      onWire: "Being sent",
      onWireHint: "handed to a mail server, not answered yet",
      rate: "Accepted a minute",
      rateHint: "in the last whole minute",
      refused: "Refused",
      refusedHint: "in the last 15 minutes",
    },
    lanes: {
      heading: "Lanes",
      name: "Lane",
      waiting: "Waiting",
      oldest: "Oldest due for",
      rate: "Tried a minute",
      state: "State",
      actions: "Actions",
      names: { "work-order": "Work orders", individual: "Individual", campaigns: "Campaigns" },
      runs: "Runs",
      paused: (why) => (why ? `Paused: ${why}` : "Paused"),
      more: (n) => `${n.toLocaleString("en")} further campaigns have mail waiting.`,
      pause: "Pause",
      resume: "Resume",
      actionOf: (action, name) => `${action} lane ${name}`,
      isPaused: (name) => `Lane ${name} is paused.`,
      goesOn: (name) => `Lane ${name} goes on.`,
    },
    relays: {
      heading: "Relays",
      allAnswer: "All relays answer.",
      none: "No relay yet",
      noneText: "A relay appears here as soon as a gateway worker has started with RELAY_URL.",
      events: "Troubles and orders",
      noEvents: "No trouble and no order so far.",
    },
    destinations: {
      heading: "Destinations",
      hint: "Domains with a limit, a pause or a stop, then those that most messages wait for.",
      none: "No domain is limited, paused or stopped",
      noneText: "And no message waits for one. All domains get mail as fast as the relays take it.",
      waits: (n) => (n === 1 ? "1 waits" : `${n.toLocaleString("en")} wait`),
      pauseOne: "Pause a domain",
      limitOne: "Limit a domain",
      domain: "Domain",
    },
    state: {
      stopped: "Stopped",
      stoppedUntil: "until a person lets it go on",
      pausedBy: (who) => `Paused by ${who}`,
      pausedByGateway: "Paused by the gateway",
      untilResumed: "until somebody resumes it",
      until: "until",
      since: "since",
      limit: "Today's limit is reached",
      nextAt: "next at",
      takes: "Takes messages",
      quiet: "Not in use: no worker has it",
    },
    facts: {
      today: (sent, cap) => (cap === null ? `${sent.toLocaleString("en")} today` : `${sent.toLocaleString("en")} of ${cap.toLocaleString("en")} today`),
      perMinute: (n) => (n === null ? "no limit a minute" : `at most ${n.toLocaleString("en")} a minute`),
      perDay: (n) => (n === null ? "no limit a day" : `at most ${n.toLocaleString("en")} a day`),
      connections: (n) => (n === 1 ? "1 connection at most" : `${n.toLocaleString("en")} connections at most`),
      rate: (n) => `${n.toLocaleString("en", { maximumFractionDigits: n < 10 ? 1 : 0 })} a minute`,
      warmUp: (start, factor) => `warm-up from ${start.toLocaleString("en")} a day, times ${factor.toLocaleString("en")} each day`,
      limitedBy: (who) => `limits set by ${who}`,
      configured: "limits of RELAY_URL",
      seen: "last in use",
    },
    actions: { pause: "Pause", resume: "Resume", tryNow: "Try now", limits: "Edit limits" },
    actionOf: { relay: (action, name) => `${action}: relay ${name}`, destination: (action, name) => `${action}: domain ${name}` },
    pause: {
      heading: { relay: (name) => `Pause relay ${name}`, destination: (name) => (name ? `Pause mail to ${name}` : "Pause mail to a domain") },
      hint: {
        relay: "What is being sent ends; then nothing leaves by it. Its messages wait, or take the next relay.",
        destination: "What is being sent ends; then nothing leaves for it by any relay. Its messages wait.",
      },
      why: "Why, for whoever finds it paused",
      usual: "Paused from the console.",
      ends: { open: "Pause until I resume", quarter: "Pause 15 minutes", hour: "Pause 1 hour", morning: (time) => `Pause until ${time}` },
    },
    limits: {
      heading: { relay: (name) => `Limits of relay ${name}`, destination: (name) => (name ? `Limits of ${name}` : "Limits of a domain") },
      hint: "An empty field is no limit. A warm-up starts today with its first number and grows by its factor each day (UTC).",
      fields: { perMinute: "Messages a minute", perDay: "Messages a day", connections: "Connections at once", warmUpStart: "Warm-up: first day", warmUpFactor: "Warm-up: times, each day" },
      set: (changes) => `Set ${changes}`,
      change: {
        perMinute: (to, from) => `${to} a minute (now ${from})`,
        perDay: (to, from) => `${to} a day (now ${from})`,
        connections: (to, from) => `${to} connections (now ${from})`,
        warmUpStart: (to, from) => `warm-up from ${to} (now ${from})`,
        warmUpFactor: (to, from) => `times ${to} each day (now ${from})`,
      },
      unchanged: "Nothing is changed",
      notNumbers: (fields) => `Not a number: ${fields}`,
      asConfigured: "Use the limits of RELAY_URL",
    },
    done: {
      paused: { relay: (name) => `Relay ${name} is paused.`, destination: (name) => `Mail to ${name} is paused.` },
      resumed: { relay: (name) => `Relay ${name} goes on.`, destination: (name) => `Mail to ${name} goes on.` },
      tried: { relay: (name) => `Relay ${name} is tried now.`, destination: (name) => `${name} is tried now.` },
      limited: { relay: (name) => `The limits of relay ${name} are set.`, destination: (name) => `The limits of ${name} are set.` },
    },
    event: {
      PAUSED: "Paused", RESUMED: "Resumed", STOPPED: "Stopped", LIMITED: "Limits", CONNECTION: "Not reached", TLS: "TLS refused",
      LOGIN: "Login refused", UNAVAILABLE: "No service now (421)",
    },
    eventUntil: "until",
    refusals: {
      heading: "Refusals by cause",
      none: "Nothing was refused",
      noneText: { hour: "No server refused a message in the last hour.", day: "No server refused a message in the last 24 hours." },
      cause: "Cause",
      count: "Refused",
      share: "Share of answers",
      trend: "Trend",
      words: "In the server's words",
      other: "Other causes",
      unknown: "No cause known",
    },
    plots: {
      heading: "Rate, waiting, age",
      perMinute: "messages a minute",
      perDay: "messages a day",
      messages: "messages",
      seconds: "time",
      rate: "Answers a minute",
      rateSummary: (accepted, deferred, refused) => `In the last whole span ${accepted} a minute were accepted, ${deferred} delayed and ${refused} refused.`,
      accepted: "Accepted",
      deferred: "Delayed",
      refused: "Refused",
      waiting: "Waiting",
      waitingSummary: (lanes) => `At the end of the last span waited: ${lanes}.`,
      nothingWaits: "Nothing waited in this time.",
      age: "Age of the oldest, and time to acceptance",
      ageSummary: (oldest, p95) => `The oldest has been due for ${oldest}; 95 of 100 messages of this hour were accepted within ${p95}.`,
      ageAlone: (oldest) => `The oldest has been due for ${oldest}; how long acceptance took is not known for this hour.`,
      oldest: "Oldest due",
      p95: "95 of 100 accepted",
      causes: "Refusals as a share of answers",
      causesSummary: (refused, answers, most) => `${refused} of ${answers} answers were refusals, most of them: ${most}.`,
      causesNone: (answers) => `None of ${answers} answers was a refusal.`,
      relay: (name) => `Relay ${name}: rate and limit`,
      relaySummary: (rate, limit) => (limit ? `${rate} a minute in the last whole span, of ${limit} allowed.` : `${rate} a minute in the last whole span; it has no limit a minute.`),
      rateOf: "Rate",
      limitOf: "Limit",
      warmUp: (name) => `Warm-up of ${name}`,
      warmUpSummary: (today, end) => `Today ${today} messages a day; the day's own limit is reached ${end}.`,
      warmUpOpen: (today) => `Today ${today} messages a day; it grows without a limit a day.`,
      today: "Today",
      allowed: "Allowed",
      none: "Nothing was counted in this time: no worker ran.",
    },
  },

  // settings --------------------------------------------------------------------------------------------

  settings: {
  },

};
