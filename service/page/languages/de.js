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
