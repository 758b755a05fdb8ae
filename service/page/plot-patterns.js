// Patterns by which bars are told apart without colour.

/** Of a tile in pixels of the canvas: twice that of the screen's where it has two to one. */
const TILE = 8;

/** Each draws on a tile that has the ground's colour; lines go over its edges, so that tiles join. */
const PATTERNS = [
  (context) => context.fillRect(0, 0, TILE, TILE),
  (context) => lines(context, [[-2, 2, 2, -2], [0, TILE, TILE, 0], [TILE - 2, TILE + 2, TILE + 2, TILE - 2]]),
  (context) => { context.fillRect(1, 1, 3, 3); context.fillRect(5, 5, 3, 3); },
  (context) => lines(context, [[0, 2, TILE, 2], [0, 6, TILE, 6]]),
  (context) => lines(context, [[2, 0, 2, TILE], [0, 2, TILE, 2]]),
  (context) => context.fillRect(3, 3, 2, 2),
];

function lines(context, all) {
  context.beginPath();
  for (const [fromX, fromY, toX, toY] of all) {
    context.moveTo(fromX, fromY);
    context.lineTo(toX, toY);
  }
  context.stroke();
}

/** The pattern of the series at this place, in its colour on the page's ground: a CanvasPattern. */
export function patternOf(place, colour, ground) {
  const tile = Object.assign(document.createElement("canvas"), { width: TILE, height: TILE });
  const context = tile.getContext("2d");
  context.fillStyle = ground;
  context.fillRect(0, 0, TILE, TILE);
  Object.assign(context, { fillStyle: colour, strokeStyle: colour, lineWidth: 2 });
  PATTERNS[place % PATTERNS.length](context);
  return context.createPattern(tile, "repeat");
}
