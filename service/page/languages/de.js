// Die Wörter der Seite auf Deutsch, je Ansicht. Jede Sprache hat dieselben Schlüssel und Parameter (ein Test vergleicht sie).

export const words = {
  // shell -----------------------------------------------------------------------------------------------

  shell: {
    product: "Customer Emails",
    skip: "Zum Inhalt springen",
    bar: "Ansichten",
    more: "Mehr",
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
    waiting: (count) => `${count} Dinge warten auf einen Menschen`,
    reach: {
      live: ["Live", "Der Dienst antwortet"],
      offline: ["Offline", "Der Dienst ist nicht erreichbar"],
    },
    timesIn: (zone) => `Zeiten in ${zone}`,
    signIn: "Anmelden",
    signOut: "Abmelden",
    signedInAs: (name) => `Angemeldet als ${name}`,
    signedOut: "Abgemeldet",
    readOnly: "Nur lesen",
    readOnlyWhy: "Diese Sitzung darf alles ansehen und nichts ändern",
    search: "Suchen",
    jump: "Suchen oder springen",
    close: "Schließen",
    undo: "Rückgängig",
    undone: (text) => `Rückgängig gemacht: ${text}`,
    notUndone: (fault) => `Das wurde nicht rückgängig gemacht. ${fault}`,
    to: "bis",
    ages: {
      minutes: (count) => `${count} Min.`,
      hours: (count) => `${count} Std.`,
      days: (count) => `${count} Tage`,
    },

    loading: "Wird geladen …",
    again: "Noch einmal versuchen",
    offline: "Der Dienst ist nicht erreichbar. Was Sie sehen, kann veraltet sein.",
    back: "Der Dienst ist wieder da",
    unreachable: "Der Dienst ist nicht erreichbar",
    unreachableWhy: "Ihre Verbindung oder der Dienst ist unterbrochen. Sobald er wieder da ist, geht es von selbst weiter.",
    signedOutNow: "Sie sind abgemeldet",
    signedOutWhy: "Es geht weiter, sobald Sie sich angemeldet haben.",
    notAllowed: "Ihr Konto darf das nicht sehen",
    unreadable: "Das konnte nicht gelesen werden",
    unexpected: "In dieser Seite ist etwas Unerwartetes geschehen. Versuchen Sie es noch einmal.",
    noSuchPage: "Diese Seite gibt es nicht",
    noSuchPageWhy: "Prüfen Sie die Webadresse: Sie ist vielleicht abgeschnitten.",
    toWorklist: "Zur Arbeitsliste",
    noSuchMail: "Diese Nachricht gibt es nicht",
    noSuchMailWhy: "Prüfen Sie die Webadresse; oder die Nachricht gehört zu einem anderen Kunden.",
    noneMatch: "Zu diesen Filtern passt nichts.",
    clearFilters: "Filter löschen",
    endOfList: "Das ist alles.",

    session: {
      ended: "Ihre Sitzung ist beendet",
      endedWhy: "Melden Sie sich wieder an, und Sie machen dort weiter, wo Sie waren.",
      about: "Was an jeden Kunden ging, was der Mailserver antwortete, und was der Kunde damit tat.",
      token: "API-Token",
      signingIn: "Anmeldung läuft …",
      link: (command, run) => ["Oder öffnen Sie einen Einmal-Link. Wer diesen Dienst betreibt, erzeugt ihn mit ", command, "; ", run, " zeigt einen an."],
      away: "Der Dienst ist nicht erreichbar. Versuchen Sie es gleich noch einmal.",
    },

    keys: {
      heading: "Tasten",
      control: "Strg",
      everywhere: "Überall",
      views: "Zu einer Ansicht",
      rows: "In einer Liste",
      here: "In dieser Ansicht",
      then: "dann",
      palette: "Suchen oder springen",
      find: "Suche der Ansicht",
      help: "Diese Tasten",
      undo: "Die letzte Aktion rückgängig machen",
      escape: "Das Oberste schließen",
      move: "Von Zeile zu Zeile",
      open: "Die Zeile öffnen",
      act: "Die Knöpfe der Zeile, der Reihe nach",
      choose: "Die Zeile auswählen",
      neighbours: "Neuere oder ältere, in einer offenen Nachricht",
      off: "Tasten mit einem Buchstaben sind in den Einstellungen ausgeschaltet.",
      on: "Tasten mit einem Buchstaben lassen sich in den Einstellungen ausschalten.",
    },

    palette: {
      field: "Ansicht, Aktion, Kunde, Nachricht oder Kampagne",
      results: "Ergebnisse",
      views: "Ansichten",
      actions: "Aktionen hier",
      everywhere: "Aktionen",
      customers: "Kunden",
      messages: "Nachrichten",
      campaigns: "Kampagnen",
      allCustomers: (text) => `Alle Kunden mit „${text}“`,
      allMessages: (text) => `Alle Nachrichten mit „${text}“`,
      none: "Nichts gefunden.",
      asking: "Wird gesucht …",
      partly: "Nicht alles konnte durchsucht werden.",
      found: (count) => (count === 1 ? "1 Ergebnis" : `${count} Ergebnisse`),
      hint: (enter, tab) => [enter, " öffnet, ", tab, " in einem neuen Tab"],
      subjectErased: "Betreff gelöscht",
      showKeys: "Tasten zeigen",
      light: "Helles Design",
      dark: "Dunkles Design",
    },
  },

  // shared: plans, chips, choosing ----------------------------------------------------------------------

  shared: {
    back: "Zurück",
    clear: "Leeren",
    filters: "Filter",
    filterBy: "Filtern",
    removeFilter: (label) => `Filter ${label} entfernen`,
    narrow: (label) => `In ${label} suchen`,
    nothingToChoose: "Es gibt nichts zur Auswahl.",
    chosenRows: "Ausgewählte Zeilen",
    chosen: (count) => `${count.toLocaleString("de")} ausgewählt`,
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
    sub: "In diesem Browser gespeichert und sofort wirksam.",
    kept: "Gespeichert",
    useTheme: (name) => `Design: ${name}`,
    themes: { system: "Wie das System", light: "Hell", dark: "Dunkel" },
    theme: { label: "Design", why: null },
    language: { label: "Sprache", why: "Der Wörter dieser Seite, der Daten und der Zahlen.", own: "Wie der Browser" },
    zone: { label: "Zeitzone", why: (now) => `Alle Zeiten dieser Seite stehen in ihr: Dort ist es ${now}.`, own: (zone) => `Wie der Browser (${zone.replaceAll("_", " ")})` },
    density: { label: "Zeilen", why: null, normal: "Normal", compact: "Kompakt" },
    letters: { label: "Tasten mit einem Buchstaben", why: "G, X, Z, Ziffern, / und ? wirken, solange nichts getippt wird. Strg K, Pfeile und Eingabe wirken immer." },
    account: { heading: "Ihr Konto", name: "Angemeldet als", may: "Sie dürfen", mayAll: "Alles ansehen und handeln", until: "Bis" },
  },

};
