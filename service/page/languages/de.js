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
    one: "Kampagne",
    newCampaign: "Neue Kampagne",
    search: "Titel",
    byState: "Kampagnen nach Zustand",
    tabs: { running: "Laufend", drafts: "Entwürfe", scheduled: "Geplant", finished: "Beendet", archived: "Archiviert" },
    states: { DRAFT: "Entwurf", SCHEDULED: "Geplant", RUNNING: "Läuft", PAUSED: "Angehalten", FINISHED: "Beendet", CANCELLED: "Abgebrochen" },
    mailingStates: { DRAFT: "Entwurf", SCHEDULED: "Geplant", FREEZING: "Empfänger werden festgelegt", RUNNING: "Läuft", FINISHED: "Beendet", CANCELLED: "Abgebrochen" },
    kinds: { MARKETING: "Marketing", EVENT_BASED: "Ereignisgesteuert" },
    parts: { overview: "Überblick", recipients: "Empfänger", links: "Links", mailings: "Aussendungen", history: "Verlauf" },
    heads: {
      title: "Kampagne", progress: "Fortschritt", accepted: "Angenommen", opened: "Geöffnet", clicked: "Geklickt", time: "Zeit", priority: "Priorität",
      outcome: "Ergebnis", messages: "Nachrichten", share: "Anteil", action: "Aktion", made: "angelegt", link: "Link", people: "Personen", clicks: "Klicks",
      customer: "Kunde", when: "Datum", details: "Einzelheiten",
    },
    times: { cancelled: "Abgebrochen", finished: "Beendet", starts: "Beginnt", ends: "Endet etwa", launched: "Gestartet" },
    priority: "Priorität",
    priorities: (level) => (level === 1 ? "1, zuerst" : level === 7 ? "7, zuletzt" : String(level)),
    sentAs: "gesendet als",
    archivedSince: "archiviert",
    pausedSince: "Angehalten seit",
    notTracked: "Nicht verfolgt",
    notBegun: "Nicht begonnen",
    changed: "Die Liste hat sich geändert: aktuellen Stand zeigen",
    found: (count) => `${count} gefunden`,
    isNow: (state) => `Zustand der Kampagne: ${state}`,
    of: (part, all) => `${part} von ${all}`,
    about: (count) => `etwa ${count}`,
    moreThan: (count) => `mehr als ${count}`,
    percent: (count) => `${count} %`,
    handedOver: (text) => `${text} übergeben`,
    launched: "Gestartet",
    all: (count) => `Alle ${count}`,
    version: (count) => `Version ${count}`,
    everybody: "Alle",
    allMailings: "Alle Aussendungen",
    mailingNumber: (count) => `Aussendung ${count}`,
    byOutcome: "Empfänger nach Ergebnis",
    searchRecipients: "Name oder Adresse",
    cause: "Ursache",
    reason: "Grund",
    due: "Fällig",
    clicks: (count) => (count === 1 ? "1 Klick" : `${count} Klicks`),
    listed: (count, value) => (value === 1 ? "1 Empfänger" : `${count} Empfänger`),
    clearSearch: "Suche leeren",
    clearFilters: "Filter leeren",
    more: "Weitere Aktionen",
    notDone: "Das war nicht möglich.",
    notCounted: "Es ließ sich nicht zählen, wen das betrifft.",
    tooLongToExport: "Diese Suche ist zu lang für eine Datei: Grenzen Sie sie ein.",
    unknown: { campaign: "Diese Kampagne gibt es nicht", page: "Diese Seite gibt es nicht", why: "Die Webadresse ist vielleicht falsch geschrieben, oder die Kampagne war ein Entwurf, der gelöscht wurde." },
    none: {
      any: "Noch keine Kampagnen", anyWhy: "Eine Kampagne sendet einen Brief an eine Liste.",
      running: "Keine Kampagne läuft", drafts: "Es gibt keine Entwürfe", scheduled: "Keine Kampagne ist geplant", finished: "Keine Kampagne ist beendet", archived: "Keine Kampagne ist archiviert",
      elsewhere: "In den anderen Reitern gibt es Kampagnen.",
      found: "Keine Kampagne gefunden", foundWhy: "Kein Titel enthält hier",
      links: "Noch wurde keinem Link gefolgt", linksWhy: "Jeder Link, dem eine Person folgt, steht hier, mit der Zahl der Personen.", linksUntracked: "Öffnungen und Klicks dieser Kampagne werden nicht verfolgt.",
      recipients: "Noch niemand", matches: "Nichts passt zu diesen Filtern", matchesWhy: "Kein Empfänger dieser Kampagne ist zurzeit von dieser Art.",
    },
    outcomes: {
      accepted: "angenommen", refused: "abgelehnt", bounced: "zurückgekommen", expired: "abgelaufen", held: "zurückgehalten", uncertain: "ungewiss", cancelled: "abgebrochen", onTheWire: "in Übertragung", queued: "wartend",
    },
    outcomeNames: {
      accepted: "Angenommen", refused: "Abgelehnt", bounced: "Zurückgekommen", expired: "Abgelaufen", held: "Zurückgehalten", uncertain: "Ungewiss", cancelled: "Abgebrochen", onTheWire: "In Übertragung", queued: "Wartend",
    },
    pace: {
      paused: "Solange sie angehalten ist, geht nichts hinaus.", cancelled: "Abgebrochen", finished: "Beendet", nextMailing: "Die nächste Aussendung beginnt", waitsForEvents: "Sie wartet auf Ereignisse.",
      none: "In den letzten fünf Minuten wurde nichts entschieden.", rate: (count) => `${count} je Minute.`, ends: "Endet etwa", ifNothingChanges: "wenn sich nichts ändert.",
    },
    audience: {
      heading: "Empfängerkreis", list: "Liste", minus: "ohne Liste", named: "Einzeln benannte Kunden", events: "Wem ein Ereignis geschieht",
      all: "Im Empfängerkreis", allOfMailings: (count) => `Im Empfängerkreis von ${count} Aussendungen`, leftOut: "Ausgelassen", notFrozen: "Der Empfängerkreis wird festgelegt, wenn die Aussendung beginnt.",
    },
    leftOut: {
      OPTED_OUT: "abgemeldet", SUPPRESSED: "gesperrt", NO_ADDRESS: "ohne Adresse", DUPLICATE_ADDRESS: "dieselbe Adresse zweimal", ERASED: "gelöscht", MERGE_FIELD_MISSING: "ohne Wert für ein Feld",
    },
    leftOutBecause: (reason) => `Ausgelassen: ${reason}`,
    people: { heading: "Was Personen taten", opened: "Geöffnet", clicked: "Geklickt", unsubscribed: "Darüber abgemeldet", complained: "Als Spam gemeldet", replied: "Geantwortet" },
    countsPeople: "Geöffnet und geklickt zählen Personen.",
    machines: (count) => `Bei ${count} weiteren öffneten oder klickten nur Maschinen: Sie sind nicht mitgezählt.`,
    realOpens: (least, most) => `Wirklich geöffnet haben zwischen ${least} und ${most}.`,
    linksCountPeople: "Klicks von Maschinen sind nicht mitgezählt.",
    course: {
      heading: "Angenommen, geöffnet, geklickt", headingUntracked: "Angenommen", unit: "Nachrichten", paused: "angehalten",
      summary: (accepted, opened, clicked) => `Bis jetzt ${accepted} angenommen, von Personen ${opened} geöffnet und ${clicked} geklickt.`,
      summaryUntracked: (accepted) => `Bis jetzt ${accepted} angenommen. Öffnungen und Klicks werden nicht verfolgt.`,
    },
    toCome: { draft: "Vor dem Start wird nichts gesendet.", starts: "Die erste Aussendung beginnt", freezing: "Sie beginnt, sobald der Empfängerkreis feststeht." },
    schedule: {
      eachZone: "in der Zeitzone jedes Kunden", atLaunch: "beim Start", atEvent: "beim Ereignis", notBefore: (time) => `nicht vor ${time} am Tag des Kunden`,
      after: (days, minutes, event) => {
        const long = [days && (days === 1 ? "1 Tag" : `${days} Tage`), minutes && (minutes === 1 ? "1 Minute" : `${minutes} Minuten`)].filter(Boolean).join(" und ");
        return long ? `${long} nach dem ${event ? "Ereignis" : "Start"}` : `beim ${event ? "Ereignis" : "Start"}`;
      },
    },
    notOpened: (count) => `nur wer Aussendung ${count} nicht öffnete`,
    buttons: {
      edit: "Bearbeiten", pause: "Anhalten", resume: "Fortsetzen", copy: "Kopieren", archive: "Archivieren", bringBack: "Zurückholen", cancel: "Kampagne abbrechen …", delete: "Entwurf löschen …", export: "CSV exportieren",
      retryN: (count) => `${count} erneut versuchen`, settleN: (count) => `${count} klären`,
    },
    paused: (count) => (count === 0 ? "Angehalten. Nichts war in Übertragung." : count === 1 ? "Angehalten. 1 war in Übertragung und wird gezählt." : `Angehalten. ${count} waren in Übertragung und werden gezählt.`),
    resumed: "Fortgesetzt.",
    archived: "Archiviert.",
    broughtBack: "Aus dem Archiv zurückgeholt.",
    prioritySet: (level) => `Die Priorität ist jetzt ${level}.`,
    copyOf: (title) => `Kopie von ${title}`,
    copied: (title) => `„${title}“ ist jetzt ein Entwurf.`,
    counting: "Es wird gezählt …",
    causesLeft: {
      OPTED_OUT: "Sie haben sich abgemeldet.", SUPPRESSED: "Ihre Adresse steht auf der Sperrliste.", BAD_ADDRESS: "Dieses Postfach gibt es nicht: Berichtigen Sie die Adresse.", BAD_DOMAIN: "Diese Domain gibt es nicht, oder sie nimmt keine Mail an: Berichtigen Sie die Adresse.",
    },
    plans: {
      retry: "Erneut versuchen", retryMany: (count) => `${count} Nachrichten erneut versuchen?`, goBack: "kommen wieder in die Warteschlange", sameAddress: "An dieselbe Adresse, sobald sie an der Reihe sind.",
      waitForResume: "Sie warten, bis die Kampagne fortgesetzt wird.", stay: "bleiben, wie sie sind", retryConfirm: (count, value) => (value === 1 ? "1 Nachricht erneut versuchen" : `${count} Nachrichten erneut versuchen`),
      retried: (count) => (count === 1 ? "1 Nachricht kommt wieder in die Warteschlange." : `${count} Nachrichten kommen wieder in die Warteschlange.`),
      settleMany: (count) => `Was wird aus ${count} ungewissen Nachrichten?`, whatBecomes: "Was aus ihnen wird", assumeSent: "Als gesendet ansehen", tryAgain: "Erneut versuchen",
      countAsSent: "gelten als angenommen", notTriedAgain: "Sie werden nicht erneut versucht. Spätere Belege zählen noch.", mayGetTwice: "Ihre Leser bekommen sie vielleicht zweimal.",
      assumeConfirm: (count, value) => (value === 1 ? "1 als gesendet ansehen" : `${count} als gesendet ansehen`), assumed: (count) => (count === 1 ? "1 Nachricht gilt als gesendet." : `${count} Nachrichten gelten als gesendet.`),
      cancel: "Die Kampagne abbrechen?", notSent: "werden nicht gesendet", cannotResume: "Eine abgebrochene Kampagne kann nicht fortgesetzt werden.", stillDecided: "sind in Übertragung und werden noch gezählt", mailingNotSent: (count) => `Aussendung ${count} wird nicht gesendet`,
      stayAsTheyAre: "sind übergeben", cannotBeTakenBack: "Sie können nicht zurückgeholt werden.", noMoreEvents: "Auf Ereignisse folgt nichts mehr.", nothingWaits: "Nichts von ihr wartet. Sie ist dann zu Ende.",
      cancelConfirm: (count, value) => (value === 1 ? "1 Nachricht abbrechen" : `${count} Nachrichten abbrechen`), cancelCampaign: "Die Kampagne abbrechen", cancelled: (count) => `Abgebrochen. ${count} Nachrichten werden nicht gesendet.`,
      delete: "Diesen Entwurf löschen?", deleteWhat: (count) => (count === 1 ? "Seine Aussendung und sein Verlauf werden mit gelöscht." : `Seine ${count} Aussendungen und sein Verlauf werden mit gelöscht.`), deleteConfirm: "Den Entwurf löschen", deleted: "Der Entwurf wurde gelöscht.",
    },
    events: {
      createCampaign: "Angelegt", updateCampaign: "Geändert", copyCampaign: "Kopiert", archiveCampaign: "Archiviert oder zurückgeholt", launchCampaign: "Gestartet", pauseCampaign: "Angehalten", resumeCampaign: "Fortgesetzt", cancelCampaign: "Abgebrochen",
      finished: "Beendet", retryCampaign: "Erneuter Versuch verlangt", settleCampaign: "Geklärt", carriedOut: "Ausgeführt", addMailing: "Aussendung hinzugefügt", updateMailing: "Aussendung geändert", removeMailing: "Aussendung herausgenommen", deleteList: "Eine Liste davon wurde gelöscht",
    },
    fields: {
      title: "Titel", kind: "Art", priority: "Priorität", sender: "Absender", senderVersion: "Version des Absenders", mergeData: "Werte für alle", tracked: "Verfolgt", repeat: "Wie oft", lists: "Listen", excludedLists: "Ohne Listen", customers: "Benannte Kunden",
      archived: "Archiviert", number: "Nummer", status: "Zustand", template: "Vorlage", version: "Version", subject: "Betreff", sendAt: "Am", atLocalTime: "Zur Ortszeit", afterDays: "Tage danach", afterMinutes: "Minuten danach", localTime: "Nicht vor", notOpened: "Wer nicht öffnete: Aussendung",
    },
    history: {
      itself: "von selbst", nothing: "nichts", yes: "ja", no: "nein", about: (count) => `${count} Empfänger`, settledByRetry: "erneut versucht", settledAsSent: "als gesendet angesehen", copyOf: (title) => `von „${title}“`,
      onTheWire: (count) => `${count} in Übertragung`, carriedOut: (done, skipped) => (skipped ? `${done} ausgeführt, ${skipped} waren anders entschieden oder dürfen nichts bekommen` : `${done} ausgeführt`), mailing: (count, text) => (text ? `${count} · ${text}` : String(count)),
    },
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
  },

  // gateway ---------------------------------------------------------------------------------------------

  gateway: {
  },

  // settings --------------------------------------------------------------------------------------------

  settings: {
  },

};
