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
    moreThan: (count) => `mehr als ${count}`,
    about: (count) => `etwa ${count}`,
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

  // words of the API's values -------------------------------------------------------------------------

  words: {
    status: {
      QUEUED: "Wartet, bis sie an der Reihe ist",
      HANDED_OFF: "Wird gerade gesendet",
      DEFERRED: "Verzögert: Es wird noch einmal versucht",
      ACCEPTED: "Vom Mailserver angenommen",
      REFUSED: "Vom Mailserver abgelehnt",
      UNCERTAIN: "Ungewiss: keine Antwort, nachdem die Nachricht gesendet war",
      HELD: "Zurückgehalten",
      CANCELLED: "Abgebrochen",
      EXPIRED: "Abgelaufen: Sie konnte nicht rechtzeitig gesendet werden",
      BOUNCED: "Unzustellbar: Sie kam nach der Annahme zurück",
      RECEIVED: "Vom Kunden erhalten",
    },
    statusShort: {
      QUEUED: "Wartend",
      HANDED_OFF: "Im Versand",
      DEFERRED: "Verzögert",
      ACCEPTED: "Angenommen",
      REFUSED: "Abgelehnt",
      UNCERTAIN: "Ungewiss",
      HELD: "Zurückgehalten",
      CANCELLED: "Abgebrochen",
      EXPIRED: "Abgelaufen",
      BOUNCED: "Unzustellbar",
      RECEIVED: "Erhalten",
    },
    cause: {
      BAD_ADDRESS: "dieses Postfach gibt es nicht",
      BAD_DOMAIN: "diese Domain gibt es nicht, oder sie nimmt keine Mail an",
      MAILBOX_FULL: "das Postfach ist voll",
      INACTIVE: "das Postfach ist abgeschaltet",
      POLICY: "die Regeln des Empfängers verbieten es",
      SPAM: "der Empfänger hält sie für Spam",
      AUTHENTICATION: "SPF, DKIM oder DMARC genügten dem Empfänger nicht",
      REPUTATION: "der Empfänger misstraut unserem Server",
      SIZE: "die Nachricht ist zu groß",
      CONTENT: "dem Empfänger gefällt der Inhalt nicht",
      GREYLISTED: "der Empfänger bittet neue Absender, später wiederzukommen",
      RATE_LIMITED: "zu viele Nachrichten in zu kurzer Zeit",
      RELAY_TROUBLE: "unser Mailserver hat Schwierigkeiten",
      DESTINATION_TROUBLE: "der empfangende Server hat Schwierigkeiten",
      OUR_CONFIGURATION: "auf unserer Seite ist etwas falsch eingestellt",
      UNSUPPORTED: "ein Server unterwegs kann mit dieser Nachricht nicht umgehen",
      CONNECTION_LOST: "die Verbindung brach ab",
      TIMEOUT: "der Server antwortete nicht rechtzeitig",
      SUPPRESSED: "die Adresse steht auf der Sperrliste",
      OPTED_OUT: "der Kunde hat solche Nachrichten abbestellt",
      WRONG_RELAY: "sie ist an ein Relay gebunden, das nicht eingerichtet ist",
      DEADLINE: "die Frist ist abgelaufen",
      BY_PERSON: "ein Mensch hat so entschieden",
      UNKNOWN: "der Server nannte keinen Grund, den wir kennen",
    },
    stage: {
      CONNECT: "beim Verbinden",
      GREETING: "bei der Begrüßung",
      EHLO: "bei EHLO",
      STARTTLS: "bei STARTTLS",
      AUTH: "bei der Anmeldung",
      MAIL: "zum Absender (MAIL FROM)",
      RCPT: "zum Empfänger (RCPT TO)",
      DATA: "vor dem Inhalt (DATA)",
      CONTENT: "während der Inhalt übertragen wurde",
      END_OF_DATA: "nach der ganzen Nachricht",
      REPORT: "in einem Bericht, der später kam",
    },
    verdict: {
      ACCEPTED: "Angenommen",
      DEFERRED: "Verzögert",
      REFUSED: "Abgelehnt",
      UNCERTAIN: "Ungewiss",
    },
    event: {
      HELD: "Zurückgehalten",
      CANCELLED: "Abgebrochen",
      EXPIRED: "Abgelaufen: Die Frist war vorbei",
      RETRIED: "Neuer Versuch verlangt",
      RETRIED_ONCE: "Ohne Entscheidung eines Menschen noch einmal versucht: Sie kann doppelt ankommen",
      ASSUMED_SENT: "Als gesendet angenommen",
      RESCUED: "Zurück in der Warteschlange: Ihr Prozess ging verloren, bevor etwas gesendet war",
      UNCERTAIN: "Von hier an ungewiss",
      RELEASED: "Freigegeben",
      BOUNCED: "Unzustellbar: Ein Bericht sagt, dass sie zurückkam",
      COMPLAINED: "Vom Leser als Spam gemeldet",
      SUPPRESSED: "Adresse auf die Sperrliste gesetzt",
      SUPPRESSION_LIFTED: "Die Sperre der Adresse wurde aufgehoben",
      READDRESSED: "Stattdessen an die jetzige Adresse des Kunden gesendet",
      OPTED_OUT: "Der Leser hat durch diese Nachricht abbestellt",
      SETTLED: "Durch einen Beleg geklärt",
      QUEUED: "In die Warteschlange gestellt",
      ATTEMPTED: "Ein Versuch endete",
      OPENED: "Geöffnet",
      CLICKED: "Link angeklickt",
      DELAYED: "Verzögert: Ein Bericht sagt, dass es weiter versucht wird",
      DELIVERED: "Ein Bericht sagt, dass sie im Postfach ist",
      RELAYED: "Ein Bericht sagt, dass sie weitergegeben wurde; mehr ist nicht zu erfahren",
      EXPANDED: "Ein Bericht sagt, dass sie an die Mitglieder einer Liste ging",
      REPLIED: "Beantwortet",
      RECEIVED: "Erhalten",
      FORWARDED: "An Mitarbeiter weitergeleitet",
      ASSIGNED: "Ein Mensch hat sie einem Kunden zugeordnet",
      REPORT_BELIEVED: "Ein Mensch hat dem Bericht geglaubt",
      TRIGGERED: "Ein Ereignis beim Kunden hat sie ausgelöst",
      DISMISSED: "Von der Arbeitsliste genommen",
      UNDONE: "Die letzte Entscheidung wurde zurückgenommen",
    },
    evidence: {
      LATE_ANSWER: "die Antwort des Servers, die spät kam",
      CLICK: "ein Mensch folgte einem Link darin",
      REPORT: "ein Zustellbericht",
      REPLY: "eine Antwort darauf",
    },
    optOutKind: {
      MARKETING: "Werbekampagnen",
      EVENT_BASED: "ereignisgesteuerte Kampagnen",
    },
    source: {
      CAMPAIGN: "Kampagne",
      WORK_ORDER: "Arbeitsauftrag",
      E_SIGNATURE: "E-Signatur",
      CARD_PROCESSING: "Kartenzahlung",
    },
    connectionType: {
      MARKETING_CAMPAIGN: "Marketingkampagne",
      INDIVIDUAL_EMAIL: "Einzelne E-Mail",
    },
    hitVerdict: {
      HUMAN: "Mensch",
      MACHINE: "Maschine",
      UNKNOWN: "Unklar",
    },
    hitReason: {
      PREFETCH_HEADER: "die Anfrage nannte sich ein Vorabruf",
      HEAD_REQUEST: "sie fragte, ohne zu lesen (HEAD)",
      EMPTY_AGENT: "sie nannte kein Programm",
      SCANNER_AGENT: "ihr Programm ist ein bekannter Prüfer",
      PRIVACY_PROXY: "ein Datenschutz-Proxy ruft alles ab",
      IMAGE_PROXY: "ein Bilder-Proxy verbirgt, wer fragte",
      LINK_BURST: "mehrere Links der Nachricht in wenigen Augenblicken",
      MANY_MESSAGES: "eine Herkunft über viele Nachrichten in wenigen Augenblicken",
      BEFORE_ANSWER: "sie kam, bevor der Server die Nachricht angenommen hatte",
      HONEYPOT: "sie folgte einem Link, den kein Mensch sieht",
      BROWSER_AGENT: "ihr Programm ist ein Browser",
      UNRECOGNISED_AGENT: "ihr Programm ist nicht bekannt",
    },
    suppression: {
      BAD_ADDRESS: "dieses Postfach gibt es nicht",
      COMPLAINT: "hat unsere Nachricht als Spam gemeldet",
      STAFF: "von unseren Leuten gesetzt",
    },
    optOutSource: {
      LINK: "auf der Abmeldeseite",
      ONE_CLICK: "mit dem Abmeldeknopf des Mailprogramms",
      STAFF: "von unseren Leuten gesetzt",
      COMPLAINT: "durch eine Spam-Meldung",
    },
    author: {
      CUSTOMER: "Bestätigt",
      OTHER: "Andere Adresse",
      UNVERIFIED: "Unbestätigter Absender",
    },
    authorWhy: {
      CUSTOMER: "Sie kommt von der Adresse des Kunden, und das wurde bestätigt",
      OTHER: "Sie kommt nicht von der Adresse des Kunden: Ein Kollege hat geantwortet, oder ein Mensch hat sie zugeordnet",
      UNVERIFIED: "Sie soll vom Kunden oder vom Leser einer Kopie sein, und nichts belegt das: Sie kann gefälscht sein",
    },
    matchedBy: {
      TOKEN: "eines unserer Token",
      MESSAGE_ID: "die Nachricht, die sie nennt",
      ADDRESS: "die Adresse des Absenders",
      PERSON: "einen Menschen",
    },
    detail: {
      attempt: "Versuch",
      before: "Sie war",
      cause: "Weil",
      event: "Ereignis",
      evidence: "Beleg",
      feedbackType: "Gemeldet als",
      formerAddress: "Sie war für",
      handedOffAt: "Übergeben",
      kinds: "Von",
      matchedBy: "Gefunden durch",
      reason: "Weil",
      source: "Wie",
      verdict: "Urteil",
    },
    // What it waits for is a sentence of the API, in English.
    waitsFor: (what) => `Wartet auf: ${what}.`,
    noAnswer: "keine Antwort, nachdem die Nachricht gesendet war",
    reportedUnverified: "Als unzustellbar gemeldet, nicht bestätigt",
    nextTry: (distance) => `nächster Versuch ${distance}`,
    detailsOf: (status, subject) => `${status}. Einzelheiten zu ${subject}`,
    details: (status) => `${status}. Einzelheiten`,
    thisMail: "dieser Nachricht",
    subjectErased: "Betreff gelöscht",
    selected: "Ausgewählt. Noch ein Klick hebt die Auswahl auf",
    select: "Zeigen, welche ihrer Links angeklickt wurden",
    clicks: (count) => (count === 1 ? "1 Klick" : `${count} Klicks`),
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

  // one customer's mail, and the list of customers --------------------------------------------------------

  emails: {
    heading: "E-Mails",
    tabs: { sent: "Gesendete Kampagnen-E-Mails", clicks: "Angeklickte Links", notes: "Kontaktnotizen" },
    heads: {
      campaign: "Kampagne: Betreff", sent: "Gesendet", opened: "Geöffnet", clicked: "Angeklickt", url: "URL", dateTime: "Datum/Uhrzeit", way: ["Ausg./", "Eing."],
      type: "Kontaktart", title: "Titel", subject: "Betreff", details: "Einzelheiten",
    },
    one: "1 Nachricht",
    oneOnly: "Nur eine Nachricht",
    outgoing: "Ausgehend",
    received: "Erhalten",
    notYet: "Noch nicht",
    notSent: "Nicht gesendet",
    notOpened: "Nicht geöffnet",
    notTracked: "Nicht erfasst",
    notTrackedWhy: "Die Links dieser Nachricht führen direkt zu ihren Seiten: Niemand weiß, wer ihnen folgte.",
    noSent: { heading: "Noch keine Kampagnen-E-Mail", text: "Kampagnen, die an diesen Kunden gehen, stehen dann hier." },
    noNotes: { heading: "Noch keine Nachricht", text: "Jede Nachricht an diesen Kunden und von ihm steht dann hier." },
    newTab: "(öffnet einen neuen Tab)",
    onlyIn: (subject) => ["Nur Links in ", subject],
    theSelected: "der ausgewählten Nachricht",
    showAll: "Die Links aller Nachrichten zeigen",
    inAll: "Links aller Nachrichten, aus Kampagnen und einzelnen",
    machines: "Maschinen einbeziehen",
    noClickOfOne: "Kein Link dieser Nachricht wurde angeklickt",
    noClicks: "Noch keine Links angeklickt",
    noClicksAtAll: "Weder Menschen noch Maschinen sind einem Link gefolgt.",
    machinesLeftOut: "Klicks von Linkprüfern und anderen Maschinen sind ausgelassen; der Schalter oben zeigt sie.",
    unreadable: "Diese Liste kann gerade nicht gelesen werden. Versuchen Sie es gleich noch einmal.",
    live: {
      live: ["Live", "Änderungen erscheinen von selbst"],
      polling: ["Fragt alle 5 s nach", "Keine Live-Verbindung: Der Dienst wird alle fünf Sekunden gefragt"],
      connecting: ["Verbindet", "Änderungen werden von selbst erscheinen"],
      offline: ["Offline", "Der Dienst ist nicht erreichbar"],
      asleep: ["Ruht", "Geht weiter, sobald dieser Tab zu sehen ist"],
    },
    newAbove: (count) => (count === 1 ? "1 neue Zeile oben" : `${count} neue Zeilen oben`),
    newRows: (count) => (count === 1 ? "1 neue Zeile" : `${count} neue Zeilen`),
    newPill: (count) => `${count} neu`,
    newerAbove: "Neuere Zeilen oben: die neuesten zeigen",
    deselected: "Auswahl aufgehoben",
    clicksOfOne: "Angeklickte Links, nur der ausgewählten Nachricht",
    allLinks: "Links aller Nachrichten",
    noCustomer: "Diesen Kunden gibt es nicht",
    noCustomerWhy: (name) => ["Unter ", name, " ist kein Kunde bekannt. Prüfen Sie die Webadresse; oder der Kunde wurde gelöscht."],
    allCustomers: "Alle Kunden",
    suppressed: (why, since) => [`Gesperrt: ${why}, seit `, since],
    optedOut: (what, since) => [`Keine ${what} seit `, since],
    nothingKnown: "Weder Name noch Adresse sind bekannt.",
    erasedWhy: "Der Kunde wurde gelöscht, oder beides wurde aus dem CRM entfernt. Zeiten, Codes, Ursachen und Anzahlen bleiben.",
    nothingSent: "An diesen Kunden wurde noch nichts gesendet.",
  },

  customerList: {
    search: "Nach Name, Adresse oder Referenz suchen",
    placeholder: "Name, Adresse oder Referenz",
    hint: (search, move, open) => [search, " sucht, ", move, " bewegen, ", open, " öffnet."],
    attention: "Braucht Aufmerksamkeit",
    attentionWhy: "Mit Nachrichten unter den neuesten 50, die nicht gesendet wurden, ungewiss oder zurückgehalten sind",
    found: (count, { first, one }) => `${first ? "Die ersten " : ""}${count} ${one ? "Kunde" : "Kunden"}`,
    noneFound: "Kein Kunde gefunden",
    noSuch: "Kein solcher Kunde gefunden",
    noPart: (search) => ["Kein Name, keine Adresse und keine Referenz enthält „", search, "“."],
    noWord: (search) => ["„", search, "“ ist kein Wort eines Namens und keine ganze Adresse oder Referenz. Teile davon werden ab drei Buchstaben oder Ziffern gefunden."],
    none: { heading: "Noch keine Kunden", text: "Sie erscheinen hier, sobald ein System der API von ihnen berichtet hat." },
    nothingWaits: { heading: "Kein Kunde braucht Aufmerksamkeit", text: "Unter niemandes neuesten 50 Nachrichten ist eine nicht gesendet, ungewiss oder zurückgehalten." },
    ofNewest: "Unter den neuesten 50 Nachrichten",
    notSent: (count) => `${count} nicht gesendet`,
    uncertain: (count) => `${count} ungewiss`,
    noMail: "Noch keine Nachricht",
    newerAbove: "Neuere Kunden oben: die neuesten zeigen",
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
