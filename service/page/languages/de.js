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
  },

  // plot ------------------------------------------------------------------------------------------------

  plot: {
    role: "Diagramm",
    keys: "Die Pfeiltasten nach links und rechts gehen von Wert zu Wert, Pos1 und Ende zum ersten und zum letzten.",
    asTable: "Als Tabelle",
    tableOf: (name) => `${name}, als Tabelle`,
    time: "Zeit",
    logarithmic: (unit) => `${unit}, logarithmisch`,
    between: (lower, upper) => `zwischen ${lower} und ${upper}`,
    notLoaded: "Das Diagramm kann jetzt nicht gezeichnet werden. Seine Zahlen stehen in der Tabelle.",
  },

  // statistics ------------------------------------------------------------------------------------------

  statistics: {
    heading: "Statistik",
    asOf: "Stand",
    filters: "Welche Zahlen",
    from: "Von",
    to: "Bis",
    by: "Nach",
    groups: { day: "Tag", cause: "Ursache", domain: "Domain", source: "Herkunft", relay: "Relay", campaign: "Kampagne", sender: "Absender" },
    presets: { 7: "7 Tage", 30: "30 Tage", 90: "90 Tage" },
    presetsOf: "Übliche Zeiträume",
    shownOf: "Was gezeigt wird",
    shown: { outcomes: "Ergebnisse", reading: "Geöffnet und geklickt" },
    columns: { sent: "Eingereiht", accepted: "Angenommen", deferred: "Aufgeschoben", refused: "Abgelehnt", bounced: "Zurückgekommen", complained: "Als Spam gemeldet", opened: "Geöffnet", clicked: "Geklickt", received: "Empfangen", median: "Die Hälfte innerhalb von", p95: "95 von 100 innerhalb von" },
    unknown: { cause: "Ohne Störung", domain: "Domain nicht bekannt", source: "Antwortet auf nichts", relay: "Kein Relay versucht", campaign: "Einzelne E-Mail", sender: "Empfangen" },
    total: "Summe",
    empty: "In diesen Tagen wurde nichts gesendet.",
    emptyText: "Wählen Sie oben andere Tage.",
    backwards: "„Von“ liegt nach „Bis“.",
    plot: { outcomes: "Nachrichten je Tag", reading: "Von Menschen geöffnet und geklickt" },
    unit: "Nachrichten",
    ofAccepted: "% der angenommenen Nachrichten von Kampagnen",
    outcomesSummary: (sent, accepted, refused, bounced) => `Von ${sent} Nachrichten wurden ${accepted} angenommen und ${refused} abgelehnt, ${bounced} kamen zurück.`,
    readingSummary: (opened, clicked, accepted) => `Von ${accepted} angenommenen Nachrichten von Kampagnen haben Menschen ${opened} geöffnet und in ${clicked} geklickt. Die Bänder zeigen, wo der wahre Anteil in 95 von 100 Fällen liegt.`,
    barsSummary: (count) => `Die ${count} mit den meisten Nachrichten. Ein Link zeigt genau diese Nachrichten.`,
    bars: (group) => `Nachrichten nach ${group}`,
    share: (text) => `${text} %`,
    utc: "Tage nach Domain sind die von UTC.",
  },

  // gateway ---------------------------------------------------------------------------------------------

  gateway: {
    heading: "Gateway",
    tabsOf: "Teile des Gateways",
    tabs: { now: "Jetzt", relays: "Relays", destinations: "Ziele", refusals: "Ablehnungen" },
    rangeOf: "Gezeigte Zeit",
    range: { hour: "Letzte Stunde", day: "Letzte 24 Stunden" },
    back: "Zurück",
    none: "keines",
    age: { seconds: (n) => `${n.toLocaleString("de")} s`, minutes: (n) => `${n.toLocaleString("de")} min`, hours: (n) => `${n.toLocaleString("de")} h`, days: (n) => (n === 1 ? "1 Tag" : `${n.toLocaleString("de")} Tage`) },
    numbers: {
      of: "Das Gateway jetzt",
      waiting: "Wartend",
      oldest: (age) => `die älteste seit ${age}`,
      nothingDue: "nichts ist fällig",
      onWire: "Im Versand",
      onWireHint: "einem Mailserver übergeben, noch ohne Antwort",
      rate: "Angenommen je Minute",
      rateHint: "in der letzten vollen Minute",
      refused: "Abgelehnt",
      refusedHint: "in den letzten 15 Minuten",
    },
    lanes: {
      heading: "Spuren",
      name: "Spur",
      waiting: "Wartend",
      oldest: "Älteste fällig seit",
      rate: "Versuche je Minute",
      state: "Zustand",
      actions: "Aktionen",
      names: { "work-order": "Arbeitsaufträge", individual: "Einzeln", campaigns: "Kampagnen" },
      runs: "Läuft",
      paused: (why) => (why ? `Angehalten: ${why}` : "Angehalten"),
      more: (n) => `Für ${n.toLocaleString("de")} weitere Kampagnen wartet Post.`,
      pause: "Anhalten",
      resume: "Fortsetzen",
      actionOf: (action, name) => `${action}: Spur ${name}`,
      isPaused: (name) => `Die Spur ${name} ist angehalten.`,
      goesOn: (name) => `Die Spur ${name} läuft weiter.`,
    },
    relays: {
      heading: "Relays",
      allAnswer: "Alle Relays antworten.",
      none: "Noch kein Relay",
      noneText: "Ein Relay erscheint hier, sobald ein Worker des Gateways mit RELAY_URL gestartet ist.",
      events: "Störungen und Anordnungen",
      noEvents: "Bisher keine Störung und keine Anordnung.",
    },
    destinations: {
      heading: "Ziele",
      hint: "Domains mit einer Grenze, einer Pause oder einem Halt, dann die, für die die meisten Nachrichten warten.",
      none: "Keine Domain ist begrenzt, pausiert oder angehalten",
      noneText: "Und für keine wartet eine Nachricht. Alle Domains bekommen Post so schnell, wie die Relays sie annehmen.",
      waits: (n) => (n === 1 ? "1 wartet" : `${n.toLocaleString("de")} warten`),
      pauseOne: "Eine Domain anhalten",
      limitOne: "Eine Domain begrenzen",
      domain: "Domain",
    },
    state: {
      stopped: "Gestoppt",
      stoppedUntil: "bis eine Person es weiterlaufen lässt",
      pausedBy: (who) => `Angehalten von ${who}`,
      pausedByGateway: "Vom Gateway angehalten",
      untilResumed: "bis jemand es fortsetzt",
      until: "bis",
      since: "seit",
      limit: "Die Grenze von heute ist erreicht",
      nextAt: "weiter um",
      takes: "Nimmt Nachrichten an",
      quiet: "Nicht in Gebrauch: kein Worker hat es",
    },
    facts: {
      today: (sent, cap) => (cap === null ? `heute ${sent.toLocaleString("de")}` : `heute ${sent.toLocaleString("de")} von ${cap.toLocaleString("de")}`),
      perMinute: (n) => (n === null ? "keine Grenze je Minute" : `höchstens ${n.toLocaleString("de")} je Minute`),
      perDay: (n) => (n === null ? "keine Grenze je Tag" : `höchstens ${n.toLocaleString("de")} je Tag`),
      connections: (n) => (n === 1 ? "höchstens 1 Verbindung" : `höchstens ${n.toLocaleString("de")} Verbindungen`),
      rate: (n) => `${n.toLocaleString("de", { maximumFractionDigits: n < 10 ? 1 : 0 })} je Minute`,
      warmUp: (start, factor) => `Aufwärmen ab ${start.toLocaleString("de")} je Tag, täglich mal ${factor.toLocaleString("de")}`,
      limitedBy: (who) => `Grenzen von ${who} gesetzt`,
      configured: "Grenzen aus RELAY_URL",
      seen: "zuletzt in Gebrauch",
    },
    actions: { pause: "Anhalten", resume: "Fortsetzen", tryNow: "Jetzt versuchen", limits: "Grenzen ändern" },
    actionOf: { relay: (action, name) => `${action}: Relay ${name}`, destination: (action, name) => `${action}: Domain ${name}` },
    pause: {
      heading: { relay: (name) => `Relay ${name} anhalten`, destination: (name) => (name ? `Post an ${name} anhalten` : "Post an eine Domain anhalten") },
      hint: {
        relay: "Was gerade gesendet wird, endet; danach verlässt nichts mehr dieses Relay. Seine Nachrichten warten oder nehmen das nächste Relay.",
        destination: "Was gerade gesendet wird, endet; danach geht über kein Relay mehr etwas dorthin. Die Nachrichten warten.",
      },
      why: "Warum, für alle, die es angehalten finden",
      usual: "Von der Konsole aus angehalten.",
      ends: { open: "Anhalten, bis ich fortsetze", quarter: "15 Minuten anhalten", hour: "1 Stunde anhalten", morning: (time) => `Bis ${time} anhalten` },
    },
    limits: {
      heading: { relay: (name) => `Grenzen des Relays ${name}`, destination: (name) => (name ? `Grenzen von ${name}` : "Grenzen einer Domain") },
      hint: "Ein leeres Feld ist keine Grenze. Ein Aufwärmen beginnt heute mit seiner ersten Zahl und wächst täglich um seinen Faktor (UTC).",
      fields: { perMinute: "Nachrichten je Minute", perDay: "Nachrichten je Tag", connections: "Verbindungen zugleich", warmUpStart: "Aufwärmen: erster Tag", warmUpFactor: "Aufwärmen: täglich mal" },
      set: (changes) => `Setzen: ${changes}`,
      change: {
        perMinute: (to, from) => `${to} je Minute (jetzt ${from})`,
        perDay: (to, from) => `${to} je Tag (jetzt ${from})`,
        connections: (to, from) => `${to} Verbindungen (jetzt ${from})`,
        warmUpStart: (to, from) => `Aufwärmen ab ${to} (jetzt ${from})`,
        warmUpFactor: (to, from) => `täglich mal ${to} (jetzt ${from})`,
      },
      unchanged: "Nichts ist geändert",
      notNumbers: (fields) => `Keine Zahl: ${fields}`,
      asConfigured: "Die Grenzen aus RELAY_URL nehmen",
    },
    done: {
      paused: { relay: (name) => `Das Relay ${name} ist angehalten.`, destination: (name) => `Die Post an ${name} ist angehalten.` },
      resumed: { relay: (name) => `Das Relay ${name} läuft weiter.`, destination: (name) => `Die Post an ${name} läuft weiter.` },
      tried: { relay: (name) => `Das Relay ${name} wird jetzt versucht.`, destination: (name) => `${name} wird jetzt versucht.` },
      limited: { relay: (name) => `Die Grenzen des Relays ${name} sind gesetzt.`, destination: (name) => `Die Grenzen von ${name} sind gesetzt.` },
    },
    event: {
      PAUSED: "Angehalten", RESUMED: "Fortgesetzt", STOPPED: "Gestoppt", LIMITED: "Grenzen", CONNECTION: "Nicht erreicht", TLS: "TLS abgelehnt",
      LOGIN: "Anmeldung abgelehnt", UNAVAILABLE: "Jetzt kein Dienst (421)",
    },
    eventUntil: "bis",
    refusals: {
      heading: "Ablehnungen nach Ursache",
      none: "Nichts wurde abgelehnt",
      noneText: { hour: "In der letzten Stunde hat kein Server eine Nachricht abgelehnt.", day: "In den letzten 24 Stunden hat kein Server eine Nachricht abgelehnt." },
      cause: "Ursache",
      count: "Abgelehnt",
      share: "Anteil der Antworten",
      trend: "Verlauf",
      words: "In den Worten des Servers",
      other: "Andere Ursachen",
      unknown: "Keine bekannte Ursache",
    },
    plots: {
      heading: "Rate, Wartende, Alter",
      perMinute: "Nachrichten je Minute",
      perDay: "Nachrichten je Tag",
      messages: "Nachrichten",
      seconds: "Zeit",
      rate: "Antworten je Minute",
      rateSummary: (accepted, deferred, refused) => `Im letzten vollen Abschnitt wurden je Minute ${accepted} angenommen, ${deferred} aufgeschoben und ${refused} abgelehnt.`,
      accepted: "Angenommen",
      deferred: "Aufgeschoben",
      refused: "Abgelehnt",
      waiting: "Wartend",
      waitingSummary: (lanes) => `Am Ende des letzten Abschnitts warteten: ${lanes}.`,
      nothingWaits: "In dieser Zeit wartete nichts.",
      age: "Alter der ältesten und Zeit bis zur Annahme",
      ageSummary: (oldest, p95) => `Die älteste ist seit ${oldest} fällig; 95 von 100 Nachrichten dieser Stunde wurden innerhalb von ${p95} angenommen.`,
      ageAlone: (oldest) => `Die älteste ist seit ${oldest} fällig; wie lange die Annahme dauerte, ist für diese Stunde nicht bekannt.`,
      oldest: "Älteste fällig",
      p95: "95 von 100 angenommen",
      causes: "Ablehnungen als Anteil der Antworten",
      causesSummary: (refused, answers, most) => `${refused} von ${answers} Antworten waren Ablehnungen, die meisten: ${most}.`,
      causesNone: (answers) => `Von ${answers} Antworten war keine eine Ablehnung.`,
      relay: (name) => `Relay ${name}: Rate und Grenze`,
      relaySummary: (rate, limit) => (limit ? `Im letzten vollen Abschnitt ${rate} je Minute, erlaubt sind ${limit}.` : `Im letzten vollen Abschnitt ${rate} je Minute; es gibt keine Grenze je Minute.`),
      rateOf: "Rate",
      limitOf: "Grenze",
      warmUp: (name) => `Aufwärmen von ${name}`,
      warmUpSummary: (today, end) => `Heute ${today} Nachrichten am Tag; die Grenze je Tag ist ${end} erreicht.`,
      warmUpOpen: (today) => `Heute ${today} Nachrichten am Tag; es wächst ohne eine Grenze je Tag.`,
      today: "Heute",
      allowed: "Erlaubt",
      none: "In dieser Zeit wurde nichts gezählt: kein Worker lief.",
    },
  },

  // settings --------------------------------------------------------------------------------------------

  settings: {
  },

};
