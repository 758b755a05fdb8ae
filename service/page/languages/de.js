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
    title: "Arbeitsliste",
    waits: (count, one) => `${count} ${one ? "Sache wartet" : "Sachen warten"} auf einen Menschen.`,
    oldest: (age) => `Die älteste wartet seit ${age}.`,
    nothing: "Nichts wartet auf einen Menschen.",
    nothingText: "Ungewisse, angehaltene und nicht gesendete Nachrichten, falsche Adressen, nicht zugeordnete Mail und gestoppte Relays stehen hier, sobald es welche gibt.",
    fresh: (count) => `${count} neu`,
    all: (count) => `Alle ${count}`,
    back: "Arbeitsliste",
    keys: { move: "bewegen", open: "öffnen", act: "die Schaltflächen der Zeile", undo: "rückgängig", all: "alle Tasten" },
    figures: {
      label: "Heute in vier Zahlen",
      accepted: "Heute angenommen",
      refused: "Abgewiesen oder zurückgekommen",
      waiting: "Wartend",
      opened: "Von Menschen geöffnet",
      yesterday: (count) => `${count} gestern`,
      byNow: "Gestern bis zu dieser Stunde",
      course: "Die letzten 24 Stunden, je Stunde",
      stopped: (name) => `Relay ${name} ist gestoppt`,
      oldest: (age) => `die älteste seit ${age}`,
      noneLate: "nichts ist verspätet",
    },
    groups: {
      relays: { heading: "Gestoppt", why: "Nichts geht darüber hinaus, bis jemand handelt." },
      uncertain: { heading: "Ungewiss", why: "Niemand weiß, ob der Server sie angenommen hat." },
      held: { heading: "Angehalten", why: "Sie warten, bis jemand sie freigibt." },
      unsent: { heading: "Nicht gesendet", why: "Einzelne Nachrichten, die abgewiesen wurden, zurückkamen oder abgelaufen sind." },
      "bad-addresses": { heading: "Falsche Adressen", why: "Jede kostet Ansehen, bis sie berichtigt ist." },
      unmatched: { heading: "Nicht zugeordnete Nachrichten", why: "Sie kamen an und gehören noch keinem Kunden." },
      campaigns: { heading: "Kampagnen", why: "Einige ihrer Nachrichten wurden nicht gesendet, oder sie pausieren." },
      senders: { heading: "Absender", why: "Ihr DNS ist nicht bereit: Empfänger weisen vielleicht ab, was sie senden." },
    },
    actions: {
      tryNow: "Jetzt versuchen",
      openRelay: "Relay öffnen",
      openDomain: "Ziel öffnen",
      openLane: "Gateway öffnen",
      assumeSent: "Als gesendet ansehen",
      retry: "Erneut senden",
      look: "Durchsehen",
      release: "Freigeben",
      cancel: "Nicht senden",
      leave: "So lassen",
      use: (name) => `${name} verwenden`,
      edit: "Bearbeiten",
      guess: (name) => `${name}?`,
      assign: "Zuordnen",
      setAside: "Beiseitelegen",
      resume: "Fortsetzen",
      check: "Erneut prüfen",
      openSender: "Absender öffnen",
      toPresent: "An die jetzige Adresse",
    },
    row: {
      relay: (name) => `Relay ${name} ist gestoppt`,
      domain: (name) => `Mail an ${name} ist gestoppt`,
      lane: (name) => `Spur ${name} pausiert`,
      laneWaits: (count) => `${count} Nachrichten warten darin.`,
      sentToday: (count) => `Es hat heute ${count} angenommen.`,
      messages: (count) => `${count} Nachrichten`,
      lost: (relay) => `Verbindung zum Relay ${relay} verloren`,
      late: (relay) => `keine Antwort vom Relay ${relay}`,
      workerLost: "ihr Worker ging verloren",
      of: (cause, relay) => `${cause}, Relay ${relay}`,
      at: "um",
      noEvidence: "Niemand hat eine davon geöffnet oder angeklickt.",
      evidence: (count) => `Ein Mensch hat ${count} davon geöffnet oder angeklickt: Diese sind angekommen.`,
      source: (count, name) => `${count} ${name}`,
      noAnswer: "Keine Antwort, nachdem die Nachricht hinausgegangen war.",
      erased: "Betreff gelöscht",
      noSubject: "Ohne Betreff",
      suppressed: "Ihre Adresse ist gesperrt: Sie kann erst freigegeben werden, wenn die Sperre aufgehoben ist.",
      waiting: (count) => `${count} ${count === 1 ? "Nachricht wartet" : "Nachrichten warten"} auf die richtige Adresse.`,
      from: (address) => `Von ${address}`,
      fromNobody: "Von niemandem, wie es bei Berichten ist",
      notSent: (count, total) => `${count} von ${total} nicht gesendet`,
      outcome: (count, name) => `${count} ${name}`,
      paused: "Sie pausiert.",
      sender: (name) => `Das DNS von ${name} ist nicht bereit`,
      record: (kind, advice) => `${kind}: ${advice}`,
      gone: "Inzwischen erledigt.",
      tried: (time) => `Um ${time} wieder freigegeben. Stoppt es erneut, steht es wieder hier.`,
      ready: "Das DNS ist jetzt bereit.",
      stillNot: (time) => `Um ${time} geprüft: noch nicht bereit.`,
      doing: "Läuft …",
    },
    outcomes: { refused: "abgewiesen", bounced: "zurückgekommen", expired: "abgelaufen", held: "angehalten" },
    reasons: {
      NO_TRACE: "Sie nennt keine Nachricht von uns.",
      TOKEN_INVALID: "Ihr Token ist nicht von uns oder wurde verändert.",
      SEVERAL_CUSTOMERS: "Mehrere Kunden haben die Adresse.",
      UNKNOWN_SENDER: "Kein Kunde hat die Adresse.",
      UNREADABLE: "Sie ließ sich nicht als Bericht lesen.",
    },
    plan: {
      counting: "Wird gezählt …",
      heading: {
        ASSUME_SENT: "Als gesendet ansehen?",
        RETRY: "Erneut senden?",
        RETRY_TO_PRESENT_ADDRESS: "An die jetzige Adresse senden?",
        RELEASE: "Freigeben?",
        CANCEL: "Nicht senden?",
        DISMISS: "Von der Arbeitsliste nehmen?",
      },
      confirm: {
        ASSUME_SENT: (count, one) => `${count} ${one ? "Nachricht" : "Nachrichten"} als gesendet ansehen`,
        RETRY: (count, one) => `${count} ${one ? "Nachricht" : "Nachrichten"} erneut senden`,
        RETRY_TO_PRESENT_ADDRESS: (count, one) => `${count} ${one ? "Nachricht" : "Nachrichten"} erneut senden`,
        RELEASE: (count, one) => `${count} ${one ? "Nachricht" : "Nachrichten"} freigeben`,
        CANCEL: (count, one) => `${count} ${one ? "Nachricht" : "Nachrichten"} nicht senden`,
        DISMISS: (count, one) => `${count} ${one ? "Nachricht" : "Nachrichten"} so lassen`,
      },
      line: {
        ASSUME_SENT: (one) => `${one ? "zählt" : "zählen"} als gesendet und ${one ? "wird" : "werden"} nicht erneut versucht.`,
        RETRY: (one) => `${one ? "geht" : "gehen"} zurück in die Warteschlange.`,
        RETRY_TO_PRESENT_ADDRESS: (one) => `${one ? "geht" : "gehen"} an die jetzige Adresse des Kunden.`,
        RELEASE: (one) => `${one ? "geht" : "gehen"} zurück in die Warteschlange.`,
        CANCEL: (one) => `${one ? "wird" : "werden"} nicht gesendet. Das lässt sich nicht rückgängig machen.`,
        DISMISS: (one) => `${one ? "verlässt" : "verlassen"} die Arbeitsliste; der Status bleibt.`,
      },
      twice: (count) => `Die Leser bekommen ${count === "1" ? "sie" : "diese"} vielleicht doppelt.`,
      individual: (count) => `${count} nicht aus einer Kampagne.`,
      cause: (count, name) => `${count}: ${name}`,
      notAllowed: (one) => `${one ? "bleibt: Sie lässt" : "bleiben: Sie lassen"} es nicht zu.`,
      suppressedStay: (one) => `${one ? "bleibt" : "bleiben"}: gesperrt oder abbestellt, oder worauf ${one ? "sie wartet" : "sie warten"}, ist nicht geklärt.`,
      more: "Es gibt weitere: Erledigen Sie erst diese, dann die anderen.",
      changed: "Was wartete, hat sich geändert: Es ist nichts zu tun.",
      tooMany: (most) => `Höchstens ${most} auf einmal: Wählen Sie weniger oder alle.`,
      expired: "Der Plan war zu alt. Es wurde neu gezählt.",
      correct: (address) => `In ${address} berichtigen?`,
      correctIt: "Welche Adresse ist richtig?",
      address: "Adresse",
      correctOnly: "Adresse berichtigen",
      correctAndRetry: (count, one) => `Berichtigen und ${count} ${one ? "Nachricht" : "Nachrichten"} erneut senden`,
      replaced: (from, to) => `${from} wird zu ${to}.`,
      waitingGo: (one) => `${one ? "wartende geht" : "wartende gehen"} an die richtige Adresse.`,
    },
    done: {
      ASSUME_SENT: (count, one) => `${count} ${one ? "Nachricht zählt" : "Nachrichten zählen"} als gesendet.`,
      RETRY: (count, one) => `${count} ${one ? "Nachricht geht" : "Nachrichten gehen"} zurück in die Warteschlange.`,
      RETRY_TO_PRESENT_ADDRESS: (count, one) => `${count} ${one ? "Nachricht geht" : "Nachrichten gehen"} an die jetzige Adresse.`,
      RELEASE: (count, one) => `${count} ${one ? "Nachricht ist" : "Nachrichten sind"} freigegeben.`,
      CANCEL: (count, one) => `${count} ${one ? "Nachricht wird" : "Nachrichten werden"} nicht gesendet.`,
      DISMISS: (count, one) => `${count} ${one ? "Nachricht ist" : "Nachrichten sind"} von der Arbeitsliste genommen.`,
      skipped: (count, one) => `${count} ${one ? "hatte sich geändert und blieb" : "hatten sich geändert und blieben"}, wie sie war${one ? "" : "en"}.`,
      kept: (count) => `${count} haben sich seitdem geändert und lassen sich nicht zurücknehmen.`,
      corrected: (address) => `Die Adresse ist jetzt ${address}.`,
      retried: (count, one) => `${count} ${one ? "Nachricht geht" : "Nachrichten gehen"} dorthin.`,
      assigned: (name) => `Sie gehört jetzt zu ${name}.`,
      setAside: (count, one) => `${count} ${one ? "Nachricht ist" : "Nachrichten sind"} beiseitegelegt.`,
      resumed: (name) => `${name} geht weiter.`,
    },
    choose: (name) => `${name} auswählen`,
    chooseAll: (count) => `Alle ${count} auswählen`,
    onlyShown: (count) => `Nur die ${count} gezeigten`,
    chosenAll: (count) => `Alle ${count} sind ausgewählt.`,
    incident: (count) => `${count} aus einem Vorfall`,
    wholeGroup: "Die ganze Gruppe",
    noneLeft: "Nichts dieser Art wartet.",
    unread: "Das konnte nicht gelesen werden.",
    again: "Erneut versuchen",
    settleGroup: "Zusammen erledigen",
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
