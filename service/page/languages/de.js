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
    parts: {
      label: "Kunde",
      emails: "E-Mails",
      lists: "Listen",
      campaigns: "Kampagnen",
      addresses: "Adressen",
      choices: "Wünsche",
      write: "E-Mail schreiben",
      joins: "Öffnet Ihr Mailprogramm. Die Antwort erscheint in diesem Verlauf, wenn das Programm Reply-To übernimmt.",
      joinsNot: "Öffnet Ihr Mailprogramm. Die Antwort geht nur an Sie: REPLY_DOMAIN ist nicht eingerichtet.",
      print: "Drucken",
      printed: "Gedruckt",
      printedBy: "von",
      printedPart: (count) => `Nur die neuesten ${count.toLocaleString("de")} Zeilen.`,
      unknown: "Diesen Kunden gibt es nicht",
      unknownWhy: ["Kein Kunde ist bekannt als", ". Prüfen Sie die Webadresse."],
      all: "Alle Kunden",

      listName: "Feste Liste",
      addToList: "Zu Liste hinzufügen",
      added: (name) => `Zu ${name} hinzugefügt.`,
      takeOut: "Entfernen",
      takenOut: (name) => `Aus ${name} entfernt.`,
      asItWas: (name) => `In ${name} hat sich nichts geändert.`,
      listHeads: ["Liste", "Art", "Seit", "Von", ""],
      kinds: { FIXED: "Fest", DYNAMIC: "Dynamisch" },
      byCriteria: "nach Kriterien",
      noLists: "In keiner Liste",
      noListsWhy: "Hier stehen die Listen, zu denen dieser Kunde gehört.",

      toCome: "Steht noch bevor",
      got: "Gesendet und ausgelassen",
      toComeHeads: ["Kampagne und Betreff", "Stand", "Fällig"],
      gotHeads: ["Kampagne und Betreff", "Ergebnis", "Wann"],
      nothingToCome: "Nach jetzigem Stand erreicht keine Kampagne diesen Kunden.",
      moreToCome: "Es folgen weitere.",
      noCampaigns: "Noch keine Kampagnen",
      noCampaignsWhy: "Hier steht, was Kampagnen diesem Kunden senden.",
      leftOut: "Ausgelassen",
      leftOutWhy: {
        OPTED_OUT: "abgemeldet",
        SUPPRESSED: "die Adresse ist gesperrt",
        NO_ADDRESS: "keine Adresse",
        DUPLICATE_ADDRESS: "die Adresse hat auch ein anderer Kunde",
        ERASED: "gelöscht",
        MERGE_FIELD_MISSING: "ein Seriendruckfeld hat keinen Wert",
      },

      primary: "Hauptadresse",
      makePrimary: "Zur Hauptadresse machen",
      nowPrimary: (address) => `${address} ist jetzt die Hauptadresse.`,
      takeAway: "Entfernen",
      tookAway: (address) => `${address} ist entfernt.`,
      addAddress: "Adresse hinzufügen",
      addAddressWhy: "Nachrichten gehen an die Hauptadresse, an eine andere nur, wenn sie genannt wird.",
      newAddress: "Adresse",
      addIt: "Adresse hinzufügen",
      addedAddress: (address) => `${address} ist hinzugefügt.`,
      noAddresses: "Keine Adresse ist bekannt.",
      replyTo: "Reply-To für Ihr eigenes Mailprogramm, damit Antworten in diesem Verlauf erscheinen:",

      choice: { marketing: "Marketingkampagnen", eventBased: "Ereignisgesteuerte Kampagnen" },
      maySend: "Dürfen gesendet werden.",
      notSince: "Nicht seit",
      on: "dürfen gesendet werden",
      off: "werden nicht gesendet",
      chosen: {
        marketing: { out: "Keine Marketingkampagnen mehr.", in: "Marketingkampagnen dürfen wieder gesendet werden." },
        eventBased: { out: "Keine ereignisgesteuerten Kampagnen mehr.", in: "Ereignisgesteuerte Kampagnen dürfen wieder gesendet werden." },
      },
      allowAgain: { marketing: "Marketingkampagnen wieder senden?", eventBased: "Ereignisgesteuerte Kampagnen wieder senden?" },
      allowIt: { marketing: "Marketingkampagnen erlauben", eventBased: "Ereignisgesteuerte Kampagnen erlauben" },
      choseSelf: "Der Kunde hat sich abgemeldet:",
      onlyIfAsked: "Erlauben Sie sie nur auf Wunsch des Kunden: Das gilt für alle seine Adressen.",
      individual: "Arbeitsaufträge, Dokumente zur Unterschrift und Zahlungen werden unabhängig davon gesendet.",
    },
  },

  // addresses -------------------------------------------------------------------------------------------

  addresses: {
    tabs: { bad: "Fehlerhaft", suppressed: "Gesperrt", "opted-out": "Abgemeldet" },
    heads: {
      bad: ["Kunde", "Adresse", "Fehlgeschlagen", "Warum", "Was hilft"],
      suppressed: ["Kunde", "Adresse", "Warum", "Was hilft"],
      "opted-out": ["Kunde", "Adresse", "Was gewählt wurde"],
    },
    none: { bad: "Keine fehlerhaften Adressen.", suppressed: "Niemand ist gesperrt.", "opted-out": "Niemand hat sich abgemeldet." },
    noneWhy: {
      bad: "Hier steht jede Adresse, die keine Nachrichten annimmt, mit dem, was helfen kann.",
      suppressed: "Hier steht jede Adresse, an die nichts gesendet werden darf, mit Grund und Datum.",
      "opted-out": "Hier steht, wer keine Kampagnen möchte, mit Datum und Weg.",
    },
    noneFound: "Nichts gefunden.",
    clearSearch: "Suche leeren",
    searchLabel: "Name, Adresse oder Referenz",
    export: "Als CSV exportieren",
    exportTooLong: "Die Suche ist zu lang für eine Datei: Kürzen Sie sie.",
    newer: (count) => (count ? `${count} neu` : "Neuere Zeilen darüber: die neuesten zeigen"),
    failed: "Fehlgeschlagen",
    failingSince: "erfolglos seit",
    since: "seit",
    by: "von",
    actors: { gateway: "dem Gateway", customer: "dem Kunden" },
    evidence: "die Nachricht",
    nobody: "Zurzeit niemandes",
    erased: "gelöschte Adresse",
    noAddress: "keine Adresse",
    subjectErased: "Betreff gelöscht",
    marketing: "Keine Marketingkampagnen",
    eventBased: "Keine ereignisgesteuerten Kampagnen",
    scopes: { ALL_MAIL: "gar keine Nachrichten", CAMPAIGNS: "keine Kampagnen" },
    use: "Nehmen:",
    edit: "Ändern",
    retry: "Erneut senden",
    lift: "Aufheben",
    correctTo: "Ändern in",
    whichIsRight: "Welche Adresse ist richtig?",
    rightAddress: "Adresse",
    goToRight: (count) => (count === 1 ? "wartende Nachricht geht an die richtige Adresse" : "wartende Nachrichten gehen an die richtige Adresse"),
    waitingGoes: "Wartende Nachrichten gehen an die richtige Adresse.",
    nothingWaits: "Keine Nachricht wartet darauf.",
    staysAgainst: "Was gegen die falsche Adresse vorliegt, bleibt bestehen.",
    correct: "Adresse berichtigen",
    correctAndRetry: (count) => `Berichtigen und ${count.toLocaleString("de")} ${count === 1 ? "Nachricht" : "Nachrichten"} erneut senden`,
    corrected: (address, count) => `Berichtigt in ${address}.${count ? ` ${count.toLocaleString("de")} ${count === 1 ? "Nachricht geht" : "Nachrichten gehen"} erneut hinaus.` : ""}`,
    retryHeading: "1 Nachricht erneut senden?",
    goesTo: "geht zurück in die Warteschlange, an",
    retryOne: "1 Nachricht erneut senden",
    retried: (address) => `Die Nachricht an ${address} geht zurück in die Warteschlange.`,
    mayBeMailed: "Wieder senden an",
    warnings: {
      BAD_ADDRESS: "Ein Server sagte, dass es das Postfach nicht gibt,",
      COMPLAINT: "Unsere Nachricht wurde als Spam gemeldet. Heben Sie die Sperre nur auf Wunsch des Kunden auf: Sie gilt",
      STAFF: "Wir haben die Adresse selbst gesperrt,",
    },
    whyLift: "Warum",
    release: (count) => (count === 1 ? "Die zurückgehaltene Nachricht senden" : `Die ${count.toLocaleString("de")} zurückgehaltenen Nachrichten senden`),
    liftIt: "Sperre aufheben",
    lifted: (address, count) => `An ${address} darf wieder gesendet werden.${count ? ` ${count.toLocaleString("de")} zurückgehaltene ${count === 1 ? "Nachricht geht" : "Nachrichten gehen"} hinaus.` : ""}`,
  },

  // find: ein Feld, das eines findet ---------------------------------------------------------------------

  find: {
    found: (count) => (count === 0 ? "Nichts gefunden." : count === 1 ? "1 gefunden" : `${count} gefunden`),
  },

  // unmatched: empfangene Nachrichten, die niemandem gehören ----------------------------------------------

  unmatched: {
    customer: "Kunde",
    from: "Von",
    to: "An",
    received: "Empfangen",
    kind: "Scheint zu sein",
    why: "Warum sie wartet",
    noSender: "Kein Absender genannt",
    noSubject: "Kein Betreff",
    subjectErased: "Betreff gelöscht",
    noText: "Sie hat keinen Text.",
    assign: "Zuordnen",
    assignTo: (name) => `${name} zuordnen`,
    setAside: "Beiseitelegen",
    assigned: (name) => `Die Nachricht gehört jetzt zu ${name}.`,
    wasSetAside: "Die Nachricht ist beiseitegelegt.",
    gone: "Diese Nachricht wartet auf niemanden mehr.",
    whichMessage: (name) => `Über welche Nachricht an ${name} berichtet sie?`,
    noMessages: "An diesen Kunden wurde nichts gesendet.",
    kinds: { REPLY: "Eine Antwort", BOUNCE: "Ein Zustellbericht", COMPLAINT: "Eine Spam-Meldung", AUTOMATIC: "Eine automatische Antwort" },
    reasons: {
      NO_TRACE: "Sie nennt keine unserer Nachrichten.",
      TOKEN_INVALID: "Sie kam an eine Adresse, die wie eine unserer aussieht und keine ist.",
      SEVERAL_CUSTOMERS: "Mehrere Kunden haben die Adresse.",
      UNKNOWN_SENDER: "Kein Kunde hat die Adresse.",
      UNREADABLE: "Sie war nicht als Bericht lesbar.",
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
