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
  },

  // campaign editor -------------------------------------------------------------------------------------

  edit: {
    newCampaign: "Neue Kampagne",
    campaigns: "Kampagnen",
    toCampaigns: "Zu den Kampagnen",
    toCampaign: "Zur Kampagne",
    goneHeading: "Diese Kampagne gibt es nicht",
    goneText: "Die Webadresse ist vielleicht vertippt, oder der Entwurf wurde gelöscht.",
    launchedHeading: "Diese Kampagne ist gestartet",
    launchedText: "Was an ihr noch zu ändern ist, steht auf ihrer eigenen Seite.",
    readOnlyHeading: "Sie dürfen lesen, aber nichts ändern",
    readOnlyText: "Diese Sitzung darf nur lesen. Melden Sie sich mit einem anderen Link an, um Kampagnen anzulegen.",
    titleOf: (date) => `Kampagne vom ${date.toLocaleDateString("de", { month: "long", day: "numeric" })}`,
    sections: { title: "Titel und Absender", audience: "Empfänger", letter: "Nachricht", when: "Zeitpunkt", test: "Testnachricht" },
    saving: {
      failed: "Nicht gespeichert: siehe die roten Stellen.", again: "Erneut speichern", saving: "Wird gespeichert …", saved: "Entwurf, gespeichert", draft: "Entwurf",
      nothing: "Ein Entwurf. Er wird gespeichert, sobald Sie etwas ändern.",
    },
    titleField: "Titel",
    titleHint: "Kein Kunde sieht ihn. Die Eingabetaste führt zum nächsten offenen Punkt.",
    sender: "Absender",
    more: ({ kind, priority, tracked }) => `${kind === "MARKETING" ? "Marketing" : "Ereignisgesteuert"}, Priorität ${priority}, Öffnungen und Klicks ${tracked ? "werden gemessen" : "werden nicht gemessen"}`,
    kind: "Art",
    kinds: { MARKETING: "Marketing", EVENT_BASED: "Ereignisgesteuert" },
    priority: "Priorität",
    priorityOf: (number) => (number === 1 ? "1, geht zuerst" : number === 7 ? "7, geht zuletzt" : String(number)),
    tracked: "Öffnungen und Klicks messen",
    lists: "Listen",
    excluded: "Ausgenommen die Mitglieder von",
    findList: "Name einer Liste",
    listHint: ({ kind, count }) => `${kind === "DYNAMIC" ? "Dynamisch" : "Fest"}${count ? `, ${Number(count.value).toLocaleString("de")}` : ""}`,
    countOf: (count) => (count ? `${count.precision === "EXACT" ? "" : "etwa "}${Number(count.value).toLocaleString("de")}` : ""),
    removeList: (name) => `${name} wegnehmen`,
    importCsv: "CSV importieren",
    minus: (count) => (count ? `Abzüglich ${count === 1 ? "einer Liste" : `${count} Listen`}` : "Abzüglich Listen"),
    named: (count) => `Und ${count.toLocaleString("de")} einzeln ${count === 1 ? "genannter Kunde" : "genannte Kunden"}.`,
    inLists: (count) => `${count.toLocaleString("de")} in den Listen. Wer ausgelassen wird, wird gezählt, sobald es eine Nachricht gibt.`,
    reaches: (people, all) => (all > people ? `${people.toLocaleString("de")} von ${all.toLocaleString("de")}` : `${people.toLocaleString("de")} ${people === 1 ? "Person" : "Personen"}`),
    leftOutWhy: (reasons) => `Ausgelassen: ${reasons}.`,
    leftOut: {
      OPTED_OUT: (count) => `${count.toLocaleString("de")} abgemeldet`,
      SUPPRESSED: (count) => `${count.toLocaleString("de")} gesperrt`,
      NO_ADDRESS: (count) => `${count.toLocaleString("de")} ohne Adresse`,
      DUPLICATE_ADDRESS: (count) => `${count.toLocaleString("de")} mit einer Adresse, die schon angeschrieben wird`,
      ERASED: (count) => `${count.toLocaleString("de")} gelöscht`,
      MERGE_FIELD_MISSING: (count) => `${count.toLocaleString("de")} ohne Wert für ein Feld`,
    },
    template: "Vorlage",
    findTemplate: "Name einer Vorlage",
    version: (number) => `Version ${number}`,
    otherTemplate: "Andere Vorlage",
    useNewest: (number) => `Version ${number} nehmen, sie ist neuer`,
    subject: "Betreff",
    mailing: (number) => `Aussendung ${number}`,
    another: "+ Weitere Aussendung",
    removeMailing: (number) => `Aussendung ${number} entfernen`,
    mailingRemoved: "Die Aussendung wurde entfernt.",
    notOpened: "Nur wer Aussendung 1 nicht nachweislich geöffnet hat",
    when: {
      now: "Beim Start", at: "An einem Tag, zu einer Uhrzeit", each: "Zu dieser Uhrzeit nach der Uhr jedes Kunden", after: "Einige Zeit nach dem Start",
      afterEvent: "Nach dem Ereignis", time: "Tag und Uhrzeit", zone: (city) => `in ${city}`, days: "Tage", minutes: "Minuten", notBefore: "Nicht vor",
      atOnce: "beim Start",
      local: (date) => date.toLocaleString("de", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC" }),
      inZone: (time, city) => `${time} in ${city}`,
      inEach: (time) => `${time} nach der Uhr jedes Kunden`,
      afterWords: ({ days, minutes, localTime }) =>
        `${[days ? `${days} ${days === 1 ? "Tag" : "Tage"}` : "", minutes ? `${minutes} Min.` : ""].filter(Boolean).join(" und ") || "0 Min."} später${localTime ? `, nicht vor ${localTime}` : ""}`,
    },
    letter: {
      show: "Vorschau", hide: "Vorschau schließen", as: "Gezeigt für", findCustomer: "Name oder Adresse eines Kunden", sample: "Beispieldaten",
      forCustomer: (name) => `Mit den Daten von ${name}.`, forSample: "Mit Beispieldaten.", text: "Die Nachricht als Text", none: "Davon gibt es noch keine Vorschau.",
    },
    test: {
      to: "An", send: "Test senden", sending: "Wird gesendet …", hint: "Bis zu fünf Adressen, mit [Test] gekennzeichnet. Sie zählt nirgends.",
      noAddress: "Geben Sie eine Adresse von sich an.", noLetter: "Wählen Sie zuerst eine Vorlage.", notSaved: "Die Nachricht ist noch nicht gespeichert.", notSent: "Die Testnachricht wurde nicht gesendet.",
      verdict: { ACCEPTED: "angenommen", DEFERRED: "noch keine Antwort", REFUSED: "abgelehnt", UNCERTAIN: "keine Antwort nach dem Absenden" },
    },
    ready: "Bereit zum Start?",
    toDo: (count) => (count ? `${count} ${count === 1 ? "offener Punkt" : "offene Punkte"}` : "Nichts mehr offen"),
    states: { done: "Erledigt", stops: "Steht im Weg", warns: "Warnung", open: "Noch nicht bekannt" },
    checkNames: {
      audience: "Empfänger", letter: "Nachricht", fields: "Seriendruckfelder", unsubscribe: "Abmeldelink, Postanschrift", domain: "Domain des Absenders", test: "Testnachricht", time: "Zeitpunkt",
    },
    checks: {
      audience: {
        nobody: "Noch niemand ausgewählt.", empty: "In den Listen ist niemand.", events: "Wem ein Ereignis widerfährt.",
        tooMany: "Zu viele, um sie auf einmal zu zählen.", inLists: (count) => `${count.toLocaleString("de")} in den Listen`,
        people: (count, exact) => `${exact ? "" : "Mindestens "}${count.toLocaleString("de")} ${count === 1 ? "Person" : "Personen"}, jede Adresse einmal`,
        nobodyLeft: (reasons) => `Niemand bleibt übrig: ${reasons}.`, leftOut: (reasons) => `Ausgelassen: ${reasons}.`,
      },
      letter: {
        none: "Noch keine Vorlage ausgewählt.", open: "Noch nicht geprüft.", more: (count) => `Und ${count} weitere.`,
        fits: (size) => `Passt: ${Math.ceil(size / 1024)} kB`,
      },
      fields: {
        open: "Bekannt, sobald es eine Nachricht gibt.", all: "Alle Empfänger haben sie.", some: "Manchen Empfängern fehlt vielleicht ein Feld.",
        lack: (count) => `${count.toLocaleString("de")} ${count === 1 ? "Empfänger fehlt ein Feld und wird" : "Empfängern fehlt ein Feld, und sie werden"} ausgelassen.`,
      },
      unsubscribe: { open: "Bekannt, sobald es eine Nachricht gibt.", there: "In der Nachricht.", noAddress: (name) => `Der Absender ${name} hat keine Postanschrift.` },
      domain: {
        open: "DNS wird gefragt …", notAsked: "DNS konnte nicht gefragt werden.", notKnown: "Nicht geprüft: keine Antwort.", fits: "SPF, DKIM und DMARC passen.",
        put: (name) => `Tragen Sie dies im DNS bei ${name} ein:`,
      },
      test: {
        never: "Noch keine gesendet.", changed: "Keine, seit die Nachricht geändert wurde.",
        sent: (to, at) => `Um ${new Date(at).toLocaleTimeString("de", { hour: "2-digit", minute: "2-digit" })} an ${to} gesendet, diese Nachricht.`,
      },
      time: {
        now: "Beim Start.", fits: "Liegt in der Zukunft, und auf jeder Uhr.", missing: "Geben Sie Tag und Uhrzeit an.", past: "Der Zeitpunkt ist vorbei.",
        skipped: (local, city) => `${local.slice(11)} am ${local.slice(0, 10)} gibt es in ${city} nicht: Die Uhren werden vorgestellt.`,
        twice: (city) => `Diese Uhrzeit gibt es in ${city} zweimal: Gemeint ist die erste.`,
      },
    },
    copy: "Kopieren",
    copied: "Kopiert",
    notCopied: "Dieser Browser lässt die Seite nicht kopieren: Markieren Sie den Text.",
    setDefault: "Einen Standardwert in der Vorlage setzen",
    launchDots: "Starten …",
    counting: "Wird gezählt …",
    launch: {
      heading: (people) => `An ${people.toLocaleString("de")} ${people === 1 ? "Person" : "Personen"} senden?`,
      headingUncounted: "Diese Kampagne starten?",
      confirm: (people) => `An ${people.toLocaleString("de")} ${people === 1 ? "Person" : "Personen"} senden`,
      confirmUncounted: "Kampagne starten",
      launching: "Wird gestartet …",
      launched: "Die Kampagne ist gestartet",
      goes: (when, number) => (number ? `Aussendung ${number}: ${when}.` : `Versand: ${when}.`),
      inAll: (count) => `${count.toLocaleString("de")} Nachrichten insgesamt.`,
      leftOut: (count, reasons) => `${count.toLocaleString("de")} ausgelassen: ${reasons}.`,
      atLeast: "Mindestens so viele: Mehr konnten nicht auf einmal gezählt werden.",
      uncounted: "Es sind zu viele, um sie auf einmal zu zählen.",
      events: "Sie wartet auf Ereignisse.",
      changed: (now, before, why) => `Jetzt ${now.toLocaleString("de")}, vorhin ${before.toLocaleString("de")}${why ? `: seither ${why}` : ""}.`,
      notYet: (what) => `Noch nicht: ${what}`,
      notSaved: (why) => `Der Entwurf ist nicht gespeichert. ${why}`,
      notCounted: (why) => `Es konnte nicht gezählt werden, wen sie erreicht. ${why}`,
      notLaunched: "Sie wurde nicht gestartet.",
      stopped: "Etwas steht im Weg: siehe oben.",
    },
  },

  // lists -----------------------------------------------------------------------------------------------

  lists: {
    picker: { none: (text) => (text ? `Nichts heißt „${text}“.` : "Es gibt noch nichts auszuwählen."), broken: "Das konnte nicht gelesen werden." },
    title: "Listen",
    theList: "Liste",
    toLists: "Zu den Listen",
    imports: "Importe",
    search: "Name einer Liste",
    newList: "Neue Liste",
    name: "Name",
    kind: "Art",
    kinds: { FIXED: "Fest", DYNAMIC: "Dynamisch" },
    fixedText: "Fest: Mitglieder werden hinzugefügt und entfernt",
    dynamicText: "Dynamisch: wer Kriterien erfüllt",
    make: "Liste anlegen",
    madeBy: (name) => `von ${name}`,
    members: (count) => (count ? `${count.precision === "EXACT" ? "" : "etwa "}${Number(count.value).toLocaleString("de")} ${Number(count.value) === 1 ? "Mitglied" : "Mitglieder"}` : "nicht gezählt"),
    counted: "gezählt",
    grows: "Wächst von selbst mit Arbeitsaufträgen",
    none: "Noch keine Listen",
    noneText: "Eine Liste ist eine Menge von Kunden, für die eine Kampagne ist. Legen Sie eine an, oder importieren Sie eine CSV-Datei.",
    noneFound: "Keine Liste gefunden",
    noneFoundText: (search) => `Nichts passt zu „${search}“.`,
    noMember: "Kein solches Mitglied",
    empty: "In dieser Liste ist niemand",
    emptyFIXED: "Fügen Sie Kunden hinzu, oder importieren Sie eine CSV-Datei.",
    emptyDYNAMIC: "Niemand erfüllt ihre Kriterien.",
    goneHeading: "Diese Liste gibt es nicht",
    goneText: "Die Webadresse ist vielleicht vertippt, oder die Liste wurde gelöscht.",
    tabs: { label: "Die Liste", members: "Mitglieder", criteria: "Kriterien" },
    add: "Einen Kunden hinzufügen",
    findCustomer: "Name oder Adresse eines Kunden",
    added: (name) => `${name} wurde hinzugefügt.`,
    remove: "Entfernen",
    removeOne: (name) => `${name} entfernen`,
    removed: (name) => `${name} wurde entfernt.`,
    addedBy: (name) => `von ${name}`,
    noAddress: "keine Adresse",
    suppressed: "gesperrt",
    searchMembers: "Mitglieder durchsuchen",
    export: "Als CSV exportieren",
    notDone: "Das wurde nicht getan.",
    settings: "Name, Löschen",
    deletion: {
      ask: "Liste löschen …", confirm: "Liste löschen",
      heading: (name) => `Die Liste ${name} löschen?`,
      line: (count) => `${count ? Number(count.value).toLocaleString("de") : "Ihre"} Mitgliedschaften enden. Die Kunden bleiben, und Entwürfe kommen ohne die Liste aus.`,
    },
    criteria: {
      any: "Wer eines davon erfüllt", andAny: "und eines davon", or: "+ Oder", and: "+ Und eine weitere Gruppe", removeRule: "Diese Regel wegnehmen", not: "nicht", never: "nicht so",
      subject: "Was", operator: "Wie", value: "Wert", texts: "Werte, zwischen Kommas", attributeName: "Name des Werts", list: "Feste Liste", other: "Andere",
      thisList: (id) => id.replace("_", " "), kind: "Art", kinds: { MARKETING: "von Marketing", EVENT_BASED: "von ereignisgesteuerten Kampagnen" },
      times: "mindestens, Nachrichten", days: "binnen Tagen",
      subjects: {
        NAME: "Name", EXTERNAL_REF: "Referenz", DOMAIN: "Domain der Adresse", LOCALE: "Sprache", TIME_ZONE: "Zeitzone", ATTRIBUTE: "Ein eigener Wert", TAG: "Schlagwort",
        MEMBER: "Ist in einer Liste", OPT_OUT: "Hat sich abgemeldet", MAILED: "Wurde angeschrieben", ACCEPTED: "Angeschrieben, angenommen", FAILED: "Abgelehnt oder zurückgekommen", OPENED: "Hat geöffnet", CLICKED: "Hat geklickt", REPLIED: "Hat geantwortet",
      },
      operators: {
        isOneOf: "ist eines von", startsWith: "beginnt mit", contains: "enthält", isSet: "hat einen Wert", atLeast: "ist mindestens", atMost: "ist höchstens", isTrue: "ist wahr", isFalse: "ist falsch",
        withinDays: "ist eine Zeit binnen Tagen",
      },
      match: (count, at) => `${count.precision === "EXACT" ? "" : count.precision === "AT_LEAST" ? "Mindestens " : "Etwa "}${Number(count.value).toLocaleString("de")} passen, gezählt um ${new Date(at).toLocaleTimeString("de", { hour: "2-digit", minute: "2-digit" })}`,
      counting: "Wird gezählt …", fillIn: "Füllen Sie die Regeln aus: Dann wird gezählt.", found: "Wer passt", save: "Kriterien speichern", saved: "Die Kriterien wurden gespeichert",
      incomplete: "Füllen Sie jede Regel aus, oder nehmen Sie sie weg.",
      unshowable: "Die Kriterien dieser Liste haben eine Regel, die hier nicht gezeigt wird. Speichern ersetzt sie.",
    },
    import: {
      label: "Import",
      stages: { file: "Datei", columns: "Spalten", review: "Prüfung", result: "Ergebnis" },
      statuses: { UPLOADED: "Hochgeladen", RUNNING: "Läuft", CHECKED: "Geprüft", FINISHED: "Fertig", FAILED: "Nicht lesbar", CANCELLED: "Abgebrochen" },
      none: "Noch keine Importe",
      noneText: "Aus einer CSV-Datei mit Adressen werden Kunden und eine Liste. Ihre Spalten werden erraten, und nichts ändert sich, bevor Sie es sagen.",
      choose: "Wählen Sie eine CSV-Datei",
      chooseText: "Sie wird sofort hochgeladen. Nichts ändert sich, bevor Sie es sagen.",
      by: (name) => `von ${name}`,
      counts: (good, bad) => `${good.toLocaleString("de")} Zeilen${bad ? `, ${bad.toLocaleString("de")} abgelehnt` : ""}`,
      uploading: "Wird hochgeladen …",
      offline: "Der Dienst ist nicht zu erreichen.",
      gone: "Diesen Import gibt es nicht.",
      again: "Erneut versuchen",
      close: "Import schließen",
      fileFacts: (lines, encoding) => (lines == null ? encoding : `${lines.toLocaleString("de")} ${lines === 1 ? "Zeile" : "Zeilen"}, ${encoding}`),
      heads: { column: "Spalte", values: "Erste Werte", goesTo: "Wird zu" },
      goesTo: (heading) => `Wozu ${heading} wird`,
      guessed: "erraten",
      field: (name) => ({
        null: "Diese Spalte auslassen", address: "Adresse", externalRef: "Referenz", name: "Name", firstName: "Vorname", lastName: "Nachname", locale: "Sprache", timeZone: "Zeitzone", tags: "Schlagworte",
      })[name] ?? name.replace(/^attributes\.(\w+)(?::(\w+))?$/, (_, own, type) => `${own}${type ? ` (${type === "number" ? "Zahl" : "wahr oder falsch"})` : " (Text)"}`),
      columnsDone: (count) => `${count} ${count === 1 ? "Spalte" : "Spalten"}.`,
      mapping: { doubled: "Zwei Spalten haben dasselbe Ziel: Lassen Sie eine aus.", nobody: "Sagen Sie, in welcher Spalte die Adresse oder die Referenz steht." },
      checking: (lines) => `${lines.toLocaleString("de")} Zeilen geprüft …`,
      willBe: (count) => `${count.toLocaleString("de")} werden importiert:`,
      newAndKnown: (made, known) => `${made.toLocaleString("de")} neu, ${known.toLocaleString("de")} bekannt.`,
      cannot: (count) => `${count.toLocaleString("de")} nicht:`,
      kind: (count, code, heading) => `${count.toLocaleString("de")} ${({
        ADDRESS_INVALID: "ohne Adresse, die angeschrieben werden kann", ADDRESS_RESERVED: "mit einer Adresse nur für Tests", REQUIRED: "ohne einen nötigen Wert", TOO_LONG: "zu lang", CARD_NUMBER: "mit einer Kartennummer", ERASED: "von gelöschten Kunden",
      })[code] ?? "nicht lesbar"}${heading ? ` (${heading})` : ""}`,
      lines: (lines, more) => `${lines.length === 1 ? "Zeile" : "Zeilen"} ${lines.join(", ")}${more ? " …" : ""}`,
      line: (number) => `Zeile ${number}`,
      moreInFile: (count) => `Und ${count.toLocaleString("de")} weitere: Die Datei hat alle.`,
      someKinds: "Nur die ersten Zeilen sind nach Art gezeigt: Die Datei hat alle.",
      download: (count) => `${count === 1 ? "Die Zeile" : `Die ${count.toLocaleString("de")} Zeilen`} als CSV herunterladen`,
      join: "Sie kommen in die Liste",
      joinNew: "Sie kommen in eine neue Liste namens",
      go: (count) => `${count.toLocaleString("de")} Kunden importieren`,
      importing: (read, total) => `${read.toLocaleString("de")}${total ? ` von ${total.toLocaleString("de")}` : ""} Zeilen …`,
      pace: (lines) => `${lines.toLocaleString("de")} je Sekunde`,
      mayLeave: "Sie können die Seite verlassen: Es geht weiter.",
      stop: "Import abbrechen",
      imported: (count) => `${count.toLocaleString("de")} importiert.`,
      takenOff: "Sie wurden von der Liste genommen. Die Kunden bleiben.",
      cancelled: (count) => `Abgebrochen. ${count.toLocaleString("de")} waren schon importiert.`,
      failed: "Die Datei kann nicht gelesen werden.",
      undo: "Rückgängig",
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
