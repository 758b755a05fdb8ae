// Die Wörter der Seite auf Deutsch, je Ansicht. Jede Sprache hat dieselben Schlüssel und Parameter (ein Test vergleicht sie).

export const words = {
  // shell -----------------------------------------------------------------------------------------------

  shell: {
    toWorklist: "Zur Arbeitsliste",
    groups: { work: "Arbeit", sending: "Versand", running: "Betrieb" },
    views: {
      worklist: "Arbeitsliste",
      messages: "Nachrichten",
      customers: "Kunden",
      addresses: "Adressen",
      campaigns: "Kampagnen",
      lists: "Listen",
      templates: "Vorlagen",
      statistics: "Statistik",
      gateway: "Gateway",
      settings: "Einstellungen",
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
    title: "Vorlagen",
    search: "Name einer Vorlage",
    create: "Neue Vorlage",
    newTemplate: "Neue Vorlage",
    newSubject: "Ein Wort an Sie, {{ customer.name|default(\"Kunde\") }}",
    name: "Name",
    kind: "Art",
    version: "Version",
    published: "Veröffentlicht",
    usedByHead: "Verwendet von",
    usedBy: (count) => (count === 1 ? "1 Kampagne" : `${count} Kampagnen`),
    usedByNone: "Keiner Kampagne",
    warningsHead: "Warnungen",
    noWarnings: "Keine Warnungen",
    warnings: (count) => (count === 1 ? "1 Warnung" : `${count} Warnungen`),
    stopsLaunch: (count) => (count === 1 ? "Verhindert den Start" : `${count}, verhindert den Start`),
    draftMark: "Entwurf",
    noneYet: "Noch keine Vorlagen",
    noneYetWhy: "Eine Vorlage ist ein Brief mit Feldern für Namen und Werte. Kampagnen versenden sie.",
    noneFound: "Keine Vorlage gefunden",
    noneFoundWhy: (search) => `Der Name keiner Vorlage enthält „${search}“.`,
    all: "Alle Vorlagen",
    missing: "Diese Vorlage gibt es nicht",
    missingWhy: "Prüfen Sie die Webadresse.",
    subject: "Betreff",
    locale: "Sprache des Briefs (en, de, fr-CA)",
    textPart: "Textteil",
    textHint: "Wird aus der Seite gemacht, wenn er leer ist",
    more: (count) => (count === 1 ? "Beispielwert, Textteil, Sprache" : `Beispielwerte (${count}), Textteil, Sprache`),
    sourceLabel: "Quelltext des Briefs",
    needsWidth: "Den Quelltext zu bearbeiten braucht einen breiteren Bildschirm.",
    split: "Breite des Quelltexts",
    panes: { code: "Quelltext", preview: "Vorschau" },
    panesLabel: "Was gezeigt wird",
    previewLabel: "Vorschau",
    showAs: "Vorschau zeigen als",
    html: "HTML",
    text: "Text",
    width: "Breite der Vorschau",
    phone: "Telefon",
    desktop: "Computer",
    theme: "Farben der Vorschau",
    light: "Hell",
    dark: "Dunkel",
    data: "Daten",
    sample: "Beispiel",
    searchCustomer: "Oder ein Kunde: Name, Adresse oder Nummer",
    nobodyFound: "Niemand gefunden",
    noCustomer: "Diesen Kunden gibt es nicht mehr. Wählen Sie einen anderen.",
    frame: "Der Brief",
    textLabel: "Der Brief als Text",
    isOld: "Die Vorschau zeigt den Brief vor der letzten Änderung: Was nicht stimmt, steht unter dem Quelltext.",
    notRead: "Das konnte nicht gelesen werden. Versuchen Sie es gleich noch einmal.",
    line: (line) => `Zeile ${line}`,
    severity: { error: "Kann nicht veröffentlicht werden:", stop: "Verhindert den Start:", warning: "Warnung:" },
    misfit: ({ tag, closes }) => (closes ? `</${tag}> schließt nichts, was offen ist.` : `<${tag}> ist nicht geschlossen.`),
    size: (size, most) => `${size} kB von ${most}`,
    origin: { supplied: "von uns eingesetzt", customer: "des Kunden", campaign: "der Kampagne" },
    draft: "Entwurf",
    draftOf: (number) => `Entwurf von Version ${number}`,
    draftKept: "Entwurf gesichert",
    draftNotKept: "Dieser Browser kann den Entwurf nicht sichern: veröffentlichen Sie ihn, bevor Sie gehen",
    versionNumber: (number) => `Version ${number}`,
    versionOf: (number, newest) => `Version ${number} von ${newest}`,
    versions: "Versionen",
    olderVersions: "Ältere Versionen",
    openVersion: "Öffnen",
    openVersionLabel: (number) => `Version ${number} öffnen`,
    compare: "Vergleichen",
    compareLabel: (number) => `Version ${number} mit dem Gezeigten vergleichen`,
    compared: (one, other) => `${one} und ${other}`,
    noDifference: "Betreff und Quelltext sind gleich.",
    backToEditor: "Zurück zum Quelltext",
    noSuchVersion: (number) => `Eine Version ${number} dieser Vorlage gibt es nicht.`,
    viewing: (number) => `Das ist Version ${number}. Versionen ändern sich nie.`,
    takeVersion: "Als Entwurf bearbeiten",
    toDraft: "Zurück zum Entwurf",
    publishedSince: (number) => `Version ${number} wurde veröffentlicht, nachdem dieser Entwurf begonnen war.`,
    discard: "Entwurf verwerfen",
    publish: (number) => `Version ${number} veröffentlichen`,
    publishing: "Wird veröffentlicht …",
    isPublished: (number) => `Version ${number} ist veröffentlicht`,
    notPublished: "Sie konnte nicht veröffentlicht werden. Versuchen Sie es gleich noch einmal.",
    close: "Schließen",
    sendTest: "Test senden",
    testHint: "Der Brief, wie er jetzt ist, mit [Test] im Betreff, in keinem Verlauf und keiner Zahl. Höchstens fünf Adressen.",
    addresses: "An",
    sender: "Als",
    defaultSender: "Der Standardabsender",
    sendTests: (count) => (count === 1 ? "Den Test senden" : `${count} Tests senden`),
    testIsSent: "Wird gesendet …",
    notSent: "Er konnte nicht gesendet werden. Versuchen Sie es gleich noch einmal.",
    verdict: {
      ACCEPTED: (address) => `${address}: vom Mailserver angenommen`,
      REFUSED: (address) => `${address}: vom Mailserver abgelehnt`,
      DEFERRED: (address) => `${address}: verzögert, wird noch einmal versucht`,
      UNCERTAIN: (address) => `${address}: ungewiss, keine Antwort, nachdem er gesendet war`,
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
