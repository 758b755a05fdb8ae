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
    message: "Nachricht",
    tabs: { outcome: "Ergebnis", reply: "Antwort", content: "Inhalt" },
    none: { heading: "Es gibt keine solche Nachricht", text: "Die Webadresse dieser Seite ist vielleicht falsch geschrieben, oder die Nachricht gehört zu einem anderen Kunden." },
    subjectErased: "Betreff gelöscht",
    textErased: "Text gelöscht",
    newer: "Neuere Nachricht",
    older: "Ältere Nachricht",
    copyLink: "Link kopieren",
    copyLinkTitle: "Die Webadresse dieser Nachricht kopieren",
    copied: "Kopiert",
    linkCopied: "Der Link ist kopiert",
    linkNotCopied: "Dieser Browser lässt die Seite nicht kopieren. Öffnen Sie die Nachricht als Seite und kopieren Sie deren Webadresse.",
    openAsPage: "Als Seite öffnen",
    close: "Schließen",
    toList: "Nachrichten",
    delayedUntil: "Verzögert: nächster Versuch um",
    heldFor: (reason) => `Zurückgehalten: ${reason}`,
    cancelledBy: (who) => `Abgebrochen von ${who}`,
    nextTry: (distance) => `Nächster Versuch ${distance}:`,
    serverResponse: "Antwort des Servers",
    events: "Ereignisse",
    notTracked: "Nicht erfasst",
    copyReport: "Der Bericht zu dieser Kopie",
    clicks: (count) => (count === 1 ? "1 Klick" : `${count} Klicks`),
    facts: {
      to: "An", from: "Von", copies: "Kopien", queued: "Eingereiht", received: "Empfangen", accepted: "Angenommen", opened: "Geöffnet", clicks: "Geklickte Links",
      source: "Quelle", belongsTo: "Gehört zu", reference: "Nummer", campaign: "Kampagne", forwarded: "Weitergeleitet", checks: "Prüfungen", attached: "Anhänge",
    },
    actions: {
      RETRY: "Erneut senden", RETRY_TO_PRESENT_ADDRESS: "An die jetzige Adresse senden", ASSUME_SENT: "Als gesendet ansehen", CANCEL: "Senden abbrechen",
      LIFT_SUPPRESSION: "Sperre aufheben", CORRECT_ADDRESS: "Adresse berichtigen", BELIEVE_REPORT: "Dem Bericht glauben",
      DISMISS: "Von der Arbeitsliste nehmen", UNDO: "Letzte Entscheidung zurücknehmen",
    },
    plans: {
      RETRY: {
        heading: "Diese Nachricht erneut senden", confirm: "1 Nachricht erneut senden",
        usual: "Sie geht zurück in die Warteschlange und wird gesendet, sobald sie an der Reihe ist.",
        uncertain: "Niemand weiß, ob der Server sie angenommen hat: Der Kunde erhält sie vielleicht zweimal.",
      },
      RETRY_TO_PRESENT_ADDRESS: {
        heading: "Diese Nachricht an die jetzige Adresse senden", confirm: "1 Nachricht erneut senden",
        to: "Sie geht an", was: "Die Ereignisse behalten die frühere Adresse",
      },
      CANCEL: { heading: "Das Senden dieser Nachricht abbrechen", confirm: "Senden von 1 Nachricht abbrechen", usual: "Sie wird nicht gesendet. Was ein Server schon angenommen hat, lässt sich nicht zurückholen." },
      LIFT_SUPPRESSION: { heading: "Sperre aufheben", confirm: "Sperre aufheben", usual: "darf wieder angeschrieben werden.", why: "Grund", release: "Senden, was für sie zurückgehalten wird" },
      CORRECT_ADDRESS: {
        heading: "Adresse berichtigen", confirm: "Adresse berichtigen", address: "Adresse",
        usual: "Die Adresse des Kunden wird ersetzt, und wartende Nachrichten gehen an die richtige.",
      },
      BELIEVE_REPORT: {
        heading: "Dem Bericht glauben", confirm: "1 Nachricht als zurückgekommen zählen",
        usual: "Er zählt von da an, als trüge er unser Kennzeichen: Die Nachricht kam zurück, und ihre Adresse wird vielleicht gesperrt.",
      },
    },
    done: "Erledigt. Die Ereignisse zeigen es.",
    undone: "Die letzte Entscheidung wurde zurückgenommen.",
    doneOf: { ASSUME_SENT: "1 Nachricht gilt als gesendet.", DISMISS: "1 Nachricht wurde von der Arbeitsliste genommen." },
    unreachable: "Der Dienst ist nicht erreichbar. Nichts wurde geändert.",
    letter: {
      label: "Die Nachricht", automatic: "Automatische Antwort", notKept: "Was darin stand, wird nicht mehr aufbewahrt.", noSender: "Kein Absender genannt", answers: "Antwort auf",
      nothingNew: "Es wurde nichts Neues geschrieben.", noText: "Sie hat keinen Text.", cut: "Der Text ist länger; hier endet er.",
      quoted: (lines) => `Zitierten Text zeigen (${lines === 1 ? "1 Zeile" : `${lines} Zeilen`})`,
      bytes: (count) => `${count} Byte`,
    },
    report: {
      by: (who) => `gemeldet von ${who}`, refusedBy: (host) => `abgelehnt von ${host}`, notVerified: "Nicht bestätigt", bounced: "Zurückgekommen", reported: "Als zurückgekommen gemeldet",
      doubt: "Jeder, der die Nachricht hat, könnte diesen Bericht geschrieben haben: Er trägt kein Kennzeichen von uns. Er ändert nichts, bis ihm jemand glaubt.",
    },
    timeline: {
      noTls: "ohne TLS", silent: "Der Server sagte nichts.", unreadable: "Der Server sagte, was keine Antwort auf eine Nachricht ist:",
      attempt: (number) => `Versuch ${number}`, how: (relay, stage, took) => `über Relay ${relay}, ${stage}, in ${took}`, toCopy: "an",
      workerLost: "Ihr Prozess ging verloren, während sie gesendet wurde", perhapsMachine: ", vielleicht von einer Maschine", by: (who) => `von ${who}`,
      unreadableNow: "Das lässt sich gerade nicht lesen.", none: "Nichts ist verzeichnet.", more: "Zeigen, was folgte",
    },
    content: {
      whichLabel: "Inhalt", asLabel: "Zeigen als", widthLabel: "Breite", exact: "Genaue Nachricht", template: "Vorlage", html: "HTML", text: "Text", source: "Quelltext",
      phone: "Telefon", desktop: "Bildschirm",
      isExact: "Genau: Ihr Fingerabdruck ist der des Gesendeten oder Empfangenen, SHA-256", isNotExact: (why) => `Nicht genau. ${why}`,
      nothingCounted: "Links tun hier nichts, fremde Bilder werden nicht geladen, und nichts wird gezählt.",
      download: ".eml herunterladen", noText: "Diesen Teil gibt es nicht, oder er ist zu groß, um gezeigt zu werden.", cut: "Es ist länger; die Datei enthält alles.",
      sample: "Mit Beispieldaten, nicht denen dieses Kunden. Betreff:",
      notKept: "Was darin stand, wird nicht mehr aufbewahrt.",
      notAllowed: "Sie dürfen sehen, was geschah, nicht, was geschrieben wurde; oder der Inhalt wird nicht mehr aufbewahrt.",
    },
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
  },

};
