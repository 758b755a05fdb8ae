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
    title: "Templates",
    search: "Name of a template",
    create: "New template",
    newTemplate: "New template",
    newSubject: "A word to you, {{ customer.name|default(\"customer\") }}",
    name: "Name",
    kind: "Kind",
    version: "Version",
    published: "Published",
    usedByHead: "Used by",
    usedBy: (count) => (count === 1 ? "1 campaign" : `${count} campaigns`),
    usedByNone: "No campaign",
    warningsHead: "Warnings",
    noWarnings: "No warnings",
    warnings: (count) => (count === 1 ? "1 warning" : `${count} warnings`),
    stopsLaunch: (count) => (count === 1 ? "Stops a launch" : `${count}, stops a launch`),
    draftMark: "draft",
    noneYet: "No templates yet",
    noneYetWhy: "A template is a letter with fields for names and values. Campaigns send it.",
    noneFound: "No template found",
    noneFoundWhy: (search) => `No template's name contains “${search}”.`,
    all: "All templates",
    missing: "There is no such template",
    missingWhy: "Check the web address.",
    subject: "Subject",
    locale: "Language of the letter (en, de, fr-CA)",
    textPart: "Text part",
    textHint: "Made from the page when this is empty",
    more: (count) => (count === 1 ? "Sample value, text part, language" : `Sample values (${count}), text part, language`),
    sourceLabel: "Source of the letter",
    needsWidth: "Editing the source needs a wider screen.",
    split: "Width of the source",
    panes: { code: "Code", preview: "Preview" },
    panesLabel: "What is shown",
    previewLabel: "Preview",
    showAs: "Show the preview as",
    html: "HTML",
    text: "Text",
    width: "Width of the preview",
    phone: "Phone",
    desktop: "Desktop",
    theme: "Theme of the preview",
    light: "Light",
    dark: "Dark",
    data: "Data",
    sample: "Sample",
    searchCustomer: "Or a customer: name, address or reference",
    nobodyFound: "Nobody found",
    noCustomer: "There is no such customer any more. Choose another one.",
    frame: "The letter",
    textLabel: "The letter as text",
    isOld: "The preview shows the letter before the last change: what is wrong stands below the source.",
    notRead: "This could not be read. Try again in a moment.",
    line: (line) => `Line ${line}`,
    severity: { error: "Cannot be published:", stop: "Stops a launch:", warning: "Warning:" },
    misfit: ({ tag, closes }) => (closes ? `</${tag}> closes nothing that is open.` : `<${tag}> is not closed.`),
    size: (size, most) => `${size} kB of ${most}`,
    origin: { supplied: "put in by us", customer: "of the customer", campaign: "of the campaign" },
    draft: "Draft",
    draftOf: (number) => `Draft of version ${number}`,
    draftKept: "Draft kept",
    draftNotKept: "This browser cannot keep the draft: publish it before you leave",
    versionNumber: (number) => `Version ${number}`,
    versionOf: (number, newest) => `Version ${number} of ${newest}`,
    versions: "Versions",
    olderVersions: "Older versions",
    openVersion: "Open",
    openVersionLabel: (number) => `Open version ${number}`,
    compare: "Compare",
    compareLabel: (number) => `Compare version ${number} with what is shown`,
    compared: (one, other) => `${one} and ${other}`,
    noDifference: "Subject and source are the same.",
    backToEditor: "Back to the editor",
    noSuchVersion: (number) => `There is no version ${number} of this template.`,
    viewing: (number) => `This is version ${number}. Versions never change.`,
    takeVersion: "Edit it as a draft",
    toDraft: "Back to the draft",
    publishedSince: (number) => `Version ${number} was published after this draft was begun.`,
    discard: "Discard the draft",
    publish: (number) => `Publish version ${number}`,
    publishing: "Being published …",
    isPublished: (number) => `Version ${number} is published`,
    notPublished: "It could not be published. Try again in a moment.",
    close: "Close",
    sendTest: "Send test",
    testHint: "The letter as it is now, marked [Test], in no history and no count. At most five addresses.",
    addresses: "To",
    sender: "As",
    defaultSender: "The default sender",
    sendTests: (count) => (count === 1 ? "Send the test" : `Send ${count} tests`),
    testIsSent: "Being sent …",
    notSent: "It could not be sent. Try again in a moment.",
    verdict: {
      ACCEPTED: (address) => `${address}: accepted by the mail server`,
      REFUSED: (address) => `${address}: refused by the mail server`,
      DEFERRED: (address) => `${address}: delayed, it is tried again`,
      UNCERTAIN: (address) => `${address}: uncertain, no answer after it had left`,
    },
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
