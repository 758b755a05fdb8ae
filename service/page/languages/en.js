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
  },

  // campaign editor -------------------------------------------------------------------------------------

  edit: {
    newCampaign: "New campaign",
    campaigns: "Campaigns",
    toCampaigns: "Go to the campaigns",
    toCampaign: "Go to the campaign",
    goneHeading: "There is no such campaign",
    goneText: "The web address may be mistyped, or the draft was deleted.",
    launchedHeading: "This campaign was launched",
    launchedText: "What is left to change of it stands on its own page.",
    readOnlyHeading: "You may look, and change nothing",
    readOnlyText: "This session is read-only. Sign in with another link to make campaigns.",
    titleOf: (date) => `Campaign of ${date.toLocaleDateString("en", { month: "short", day: "numeric" })}`,
    sections: { title: "Title and sender", audience: "Audience", letter: "Letter", when: "When", test: "Test message" },
    saving: {
      failed: "Not saved: see what is marked red.", again: "Save again", saving: "Saving …", saved: "Draft, saved", draft: "Draft",
      nothing: "A draft. It is saved as soon as you change something.",
    },
    titleField: "Title",
    titleHint: "No customer sees it. Enter goes on to the next thing to do.",
    sender: "Sender",
    more: ({ kind, priority, tracked }) => `${kind === "MARKETING" ? "Marketing" : "Event-based"}, priority ${priority}, opens and clicks ${tracked ? "tracked" : "not tracked"}`,
    kind: "Kind",
    kinds: { MARKETING: "Marketing", EVENT_BASED: "Event-based" },
    priority: "Priority",
    priorityOf: (number) => (number === 1 ? "1, goes first" : number === 7 ? "7, goes last" : String(number)),
    tracked: "Track opens and clicks",
    lists: "Lists",
    excluded: "Leave out the members of",
    findList: "Name of a list",
    listHint: ({ kind, count }) => `${kind === "DYNAMIC" ? "Dynamic" : "Fixed"}${count ? `, ${Number(count.value).toLocaleString("en")}` : ""}`,
    countOf: (count) => (count ? `${count.precision === "EXACT" ? "" : "about "}${Number(count.value).toLocaleString("en")}` : ""),
    removeList: (name) => `Take ${name} away`,
    importCsv: "Import CSV",
    minus: (count) => (count ? `Minus ${count === 1 ? "a list" : `${count} lists`}` : "Minus lists"),
    named: (count) => `And ${count.toLocaleString("en")} ${count === 1 ? "customer" : "customers"} named one by one.`,
    inLists: (count) => `${count.toLocaleString("en")} in the lists. Who is left out is counted as soon as there is a letter.`,
    reaches: (people, all) => (all > people ? `${people.toLocaleString("en")} of ${all.toLocaleString("en")}` : `${people.toLocaleString("en")} ${people === 1 ? "person" : "people"}`),
    leftOutWhy: (reasons) => `Left out: ${reasons}.`,
    leftOut: {
      OPTED_OUT: (count) => `${count.toLocaleString("en")} opted out`,
      SUPPRESSED: (count) => `${count.toLocaleString("en")} suppressed`,
      NO_ADDRESS: (count) => `${count.toLocaleString("en")} without an address`,
      DUPLICATE_ADDRESS: (count) => `${count.toLocaleString("en")} with an address that is mailed already`,
      ERASED: (count) => `${count.toLocaleString("en")} erased`,
      MERGE_FIELD_MISSING: (count) => `${count.toLocaleString("en")} without a value for a field`,
    },
    template: "Template",
    findTemplate: "Name of a template",
    version: (number) => `version ${number}`,
    otherTemplate: "Another template",
    useNewest: (number) => `Use version ${number}, which is newer`,
    subject: "Subject",
    mailing: (number) => `Mailing ${number}`,
    another: "+ Another mailing",
    removeMailing: (number) => `Remove mailing ${number}`,
    mailingRemoved: "The mailing was removed.",
    notOpened: "Only who is not known to have opened mailing 1",
    when: {
      now: "At the launch", at: "On a day, at a time", each: "At this time of each customer's own clock", after: "Some time after the launch",
      afterEvent: "After the event", time: "Day and time", zone: (city) => `in ${city}`, days: "Days", minutes: "Minutes", notBefore: "Not before",
      atOnce: "at the launch",
      local: (date) => date.toLocaleString("en", { month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZone: "UTC" }),
      inZone: (time, city) => `${time} in ${city}`,
      inEach: (time) => `${time} by each customer's clock`,
      afterWords: ({ days, minutes, localTime }) =>
        `${[days ? `${days} ${days === 1 ? "day" : "days"}` : "", minutes ? `${minutes} min` : ""].filter(Boolean).join(" and ") || "0 min"} later${localTime ? `, not before ${localTime}` : ""}`,
    },
    letter: {
      show: "Preview", hide: "Close the preview", as: "Shown for", findCustomer: "Name or address of a customer", sample: "Sample data",
      forCustomer: (name) => `With the data of ${name}.`, forSample: "With sample data.", text: "The letter as text", none: "There is no preview of this yet.",
    },
    test: {
      to: "To", send: "Send test", sending: "Sending …", hint: "Up to five addresses, marked [Test]. It counts nowhere.",
      noAddress: "Give an address of yours.", noLetter: "Choose a template first.", notSaved: "The letter is not saved yet.", notSent: "The test message was not sent.",
      verdict: { ACCEPTED: "accepted", DEFERRED: "no answer yet", REFUSED: "refused", UNCERTAIN: "no answer after it had left" },
    },
    ready: "Ready to launch?",
    toDo: (count) => (count ? `${count} ${count === 1 ? "thing" : "things"} to do` : "Nothing left to do"),
    states: { done: "Done", stops: "Stands in the way", warns: "Warning", open: "Not known yet" },
    checkNames: {
      audience: "Audience", letter: "Letter", fields: "Merge fields", unsubscribe: "Unsubscribe link, postal address", domain: "Sender's domain", test: "Test message", time: "Time",
    },
    checks: {
      audience: {
        nobody: "Nobody is chosen yet.", empty: "Nobody is in the lists.", events: "Whom an event happens to.",
        tooMany: "Too many to count at once.", inLists: (count) => `${count.toLocaleString("en")} in the lists`,
        people: (count, exact) => `${exact ? "" : "At least "}${count.toLocaleString("en")} ${count === 1 ? "person" : "people"}, an address once`,
        nobodyLeft: (reasons) => `Nobody is left: ${reasons}.`, leftOut: (reasons) => `Left out: ${reasons}.`,
      },
      letter: {
        none: "No template is chosen yet.", open: "Not looked at yet.", more: (count) => `And ${count} more.`,
        fits: (size) => `Fits: ${Math.ceil(size / 1024)} kB`,
      },
      fields: {
        open: "Known once there is a letter.", all: "Every reader has them.", some: "Some readers may lack a field.",
        lack: (count) => `${count.toLocaleString("en")} ${count === 1 ? "reader lacks" : "readers lack"} a field, and ${count === 1 ? "is" : "are"} left out.`,
      },
      unsubscribe: { open: "Known once there is a letter.", there: "In the letter.", noAddress: (name) => `The sender ${name} has no postal address.` },
      domain: {
        open: "Asking DNS …", notAsked: "DNS could not be asked.", notKnown: "Not checked: no answer.", fits: "SPF, DKIM and DMARC fit.",
        put: (name) => `Put this in DNS at ${name}:`,
      },
      test: {
        never: "None was sent yet.", changed: "None since the letter changed.",
        sent: (to, at) => `Sent to ${to} at ${new Date(at).toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" })}, this letter.`,
      },
      time: {
        now: "At the launch.", fits: "Still to come, and on every clock.", missing: "Give a day and a time.", past: "The time is past.",
        skipped: (local, city) => `${local.slice(11)} on ${local.slice(0, 10)} does not exist in ${city}: clocks go forward.`,
        twice: (city) => `This time comes twice in ${city}: the first one is meant.`,
      },
    },
    copy: "Copy",
    copied: "Copied",
    notCopied: "This browser does not let the page copy: select the text.",
    setDefault: "Set a default in the template",
    launchDots: "Launch …",
    counting: "Counting …",
    launch: {
      heading: (people) => `Launch to ${people.toLocaleString("en")} ${people === 1 ? "person" : "people"}?`,
      headingUncounted: "Launch this campaign?",
      confirm: (people) => `Launch to ${people.toLocaleString("en")} ${people === 1 ? "person" : "people"}`,
      confirmUncounted: "Launch the campaign",
      launching: "Launching …",
      launched: "The campaign was launched",
      goes: (when, number) => (number ? `Mailing ${number} goes ${when}.` : `It goes ${when}.`),
      inAll: (count) => `${count.toLocaleString("en")} messages in all.`,
      leftOut: (count, reasons) => `${count.toLocaleString("en")} left out: ${reasons}.`,
      atLeast: "At least so many: more could not be counted at once.",
      uncounted: "They are too many to count at once.",
      events: "It waits for events.",
      changed: (now, before, why) => `Now ${now.toLocaleString("en")}, ${before.toLocaleString("en")} a moment ago${why ? `: ${why} since` : ""}.`,
      notYet: (what) => `Not yet: ${what}`,
      notSaved: (why) => `The draft is not saved. ${why}`,
      notCounted: (why) => `It could not be counted whom it reaches. ${why}`,
      notLaunched: "It was not launched.",
      stopped: "Something stands in the way: see above.",
    },
  },

  // lists -----------------------------------------------------------------------------------------------

  lists: {
    picker: { none: (text) => (text ? `Nothing is called “${text}”.` : "There is nothing to choose yet."), broken: "This could not be read." },
    title: "Lists",
    theList: "List",
    toLists: "Go to the lists",
    imports: "Imports",
    search: "Name of a list",
    newList: "New list",
    name: "Name",
    kind: "Kind",
    kinds: { FIXED: "Fixed", DYNAMIC: "Dynamic" },
    fixedText: "Fixed: members are added and removed",
    dynamicText: "Dynamic: whoever meets criteria",
    make: "Make the list",
    madeBy: (name) => `by ${name}`,
    members: (count) => (count ? `${count.precision === "EXACT" ? "" : "about "}${Number(count.value).toLocaleString("en")} ${Number(count.value) === 1 ? "member" : "members"}` : "not counted"),
    counted: "counted",
    grows: "Grows by itself with work orders",
    none: "No lists yet",
    noneText: "A list is a set of customers that a campaign is for. Make one, or import a CSV file.",
    noneFound: "No list found",
    noneFoundText: (search) => `Nothing matches “${search}”.`,
    noMember: "No such member",
    empty: "Nobody is in this list",
    emptyFIXED: "Add customers, or import a CSV file.",
    emptyDYNAMIC: "Nobody meets its criteria.",
    goneHeading: "There is no such list",
    goneText: "The web address may be mistyped, or the list was deleted.",
    tabs: { label: "The list", members: "Members", criteria: "Criteria" },
    add: "Add a customer",
    findCustomer: "Name or address of a customer",
    added: (name) => `${name} was added.`,
    remove: "Remove",
    removeOne: (name) => `Remove ${name}`,
    removed: (name) => `${name} was removed.`,
    addedBy: (name) => `by ${name}`,
    noAddress: "no address",
    suppressed: "suppressed",
    searchMembers: "Search the members",
    export: "Export CSV",
    notDone: "This was not done.",
    settings: "Name, deletion",
    deletion: {
      ask: "Delete the list …", confirm: "Delete the list",
      heading: (name) => `Delete the list ${name}?`,
      line: (count) => `${count ? Number(count.value).toLocaleString("en") : "Its"} memberships end. The customers stay, and drafts do without the list.`,
    },
    criteria: {
      any: "Who meets any of these", andAny: "and any of these", or: "+ Or", and: "+ And another group", removeRule: "Take this rule away", not: "not", never: "not so",
      subject: "What", operator: "How", value: "Value", texts: "Values, between commas", attributeName: "Name of the value", list: "Fixed list", other: "Another",
      thisList: (id) => id.replace("_", " "), kind: "Kind", kinds: { MARKETING: "from marketing", EVENT_BASED: "from event-based campaigns" },
      times: "at least, messages", days: "within days",
      subjects: {
        NAME: "Name", EXTERNAL_REF: "Reference", DOMAIN: "Domain of the address", LOCALE: "Language", TIME_ZONE: "Time zone", ATTRIBUTE: "A value of their own", TAG: "Label",
        MEMBER: "Is in a list", OPT_OUT: "Opted out", MAILED: "Was mailed", ACCEPTED: "Was mailed, accepted", FAILED: "Refused or bounced", OPENED: "Opened", CLICKED: "Clicked", REPLIED: "Replied",
      },
      operators: {
        isOneOf: "is one of", startsWith: "begins with", contains: "contains", isSet: "has a value", atLeast: "is at least", atMost: "is at most", isTrue: "is true", isFalse: "is false",
        withinDays: "is a time within days",
      },
      match: (count, at) => `${count.precision === "EXACT" ? "" : count.precision === "AT_LEAST" ? "At least " : "About "}${Number(count.value).toLocaleString("en")} match, counted at ${new Date(at).toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" })}`,
      counting: "Counting …", fillIn: "Fill in the rules: then they are counted.", found: "Who matches", save: "Save the criteria", saved: "The criteria were saved",
      incomplete: "Fill in every rule, or take it away.",
      unshowable: "The criteria of this list have a rule that is not shown here. Saving replaces them.",
    },
    import: {
      label: "Import",
      stages: { file: "File", columns: "Columns", review: "Review", result: "Result" },
      statuses: { UPLOADED: "Uploaded", RUNNING: "Running", CHECKED: "Checked", FINISHED: "Finished", FAILED: "Not readable", CANCELLED: "Cancelled" },
      none: "No imports yet",
      noneText: "A CSV file with addresses becomes customers and a list. Its columns are guessed, and nothing is changed before you say so.",
      choose: "Choose a CSV file",
      chooseText: "It goes up at once. Nothing is changed before you say so.",
      by: (name) => `by ${name}`,
      counts: (good, bad) => `${good.toLocaleString("en")} lines${bad ? `, ${bad.toLocaleString("en")} refused` : ""}`,
      uploading: "Going up …",
      offline: "The service cannot be reached.",
      gone: "There is no such import.",
      again: "Try again",
      close: "Close the import",
      fileFacts: (lines, encoding) => (lines == null ? encoding : `${lines.toLocaleString("en")} ${lines === 1 ? "line" : "lines"}, ${encoding}`),
      heads: { column: "Column", values: "First values", goesTo: "Goes to" },
      goesTo: (heading) => `What ${heading} becomes`,
      guessed: "guessed",
      field: (name) => ({
        null: "Skip this column", address: "Address", externalRef: "Reference", name: "Name", firstName: "First name", lastName: "Last name", locale: "Language", timeZone: "Time zone", tags: "Labels",
      })[name] ?? name.replace(/^attributes\.(\w+)(?::(\w+))?$/, (_, own, type) => `${own}${type ? ` (${type === "number" ? "number" : "true or false"})` : " (text)"}`),
      columnsDone: (count) => `${count} ${count === 1 ? "column" : "columns"}.`,
      mapping: { doubled: "Two columns go to the same place: skip one of them.", nobody: "Say which column has the address or the reference." },
      checking: (lines) => `${lines.toLocaleString("en")} lines checked …`,
      willBe: (count) => `${count.toLocaleString("en")} will be imported:`,
      newAndKnown: (made, known) => `${made.toLocaleString("en")} new, ${known.toLocaleString("en")} known.`,
      cannot: (count) => `${count.toLocaleString("en")} cannot:`,
      kind: (count, code, heading) => `${count.toLocaleString("en")} ${({
        ADDRESS_INVALID: "without an address that can be mailed", ADDRESS_RESERVED: "with an address for tests only", REQUIRED: "without a value that is needed", TOO_LONG: "too long", CARD_NUMBER: "with a card number", ERASED: "of erased customers",
      })[code] ?? "that cannot be read"}${heading ? ` (${heading})` : ""}`,
      lines: (lines, more) => `${lines.length === 1 ? "line" : "lines"} ${lines.join(", ")}${more ? " …" : ""}`,
      line: (number) => `Line ${number}`,
      moreInFile: (count) => `And ${count.toLocaleString("en")} more: the file has all.`,
      someKinds: "Only the first lines are shown by kind: the file has all.",
      download: (count) => `Download the ${count === 1 ? "line" : `${count.toLocaleString("en")} lines`} as CSV`,
      join: "They join the list",
      joinNew: "They join a new list called",
      go: (count) => `Import ${count.toLocaleString("en")} ${count === 1 ? "customer" : "customers"}`,
      importing: (read, total) => `${read.toLocaleString("en")}${total ? ` of ${total.toLocaleString("en")}` : ""} lines …`,
      pace: (lines) => `${lines.toLocaleString("en")} a second`,
      mayLeave: "You may leave: it goes on.",
      stop: "Stop the import",
      imported: (count) => `${count.toLocaleString("en")} imported.`,
      takenOff: "They were taken off the list. The customers stay.",
      cancelled: (count) => `Cancelled. ${count.toLocaleString("en")} were imported before.`,
      failed: "The file cannot be read.",
      undo: "Undo",
    },
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
