/**
 * A plot as SVG text: a line per server, its label beside its end.
 *
 * S1. Nothing but the text itself is needed to show it: no font, no script, no other file. It has a ground of its own, and
 *     colours for a light and for a dark surrounding.
 * S2. Lines are told apart without colour too: by the shape of their points and by their dashes. Ours is the thick one.
 * S3. An axis that is not logarithmic begins at 0.
 */

const WIDTH = 900;
const HEIGHT = 446;
const AREA = { left: 74, top: 70, bottom: 366 };
/** Of the widest common font; a label, and the figure behind it. */
const CHARACTER = 7.3;
const FIGURE = 64;
const LABEL_GAP = 19;

/** Light and dark; the first is ours. */
const COLOURS = [
  ['#0b57d0', '#8ab4f8'],
  ['#b3261e', '#f2968f'],
  ['#1a7f37', '#6dd58c'],
  ['#8a5a00', '#e8b339'],
  ['#7b3fb3', '#cfa5f5'],
  ['#00757f', '#5fd3dc'],
  ['#a8327e', '#f49ad0'],
  ['#555c66', '#b3bac4'],
];
const DASHES = ['', '7 4', '2 4', '9 3 2 3', '5 3', '12 4', '3 3', '1 3'];

const escaped = (text) =>
  String(text).replace(/[&<>"]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one]);
const round = (value) => Math.round(value * 10) / 10;

/** 26 700 is 26.7 k: short enough for an axis. */
function shortNumber(value) {
  const [unit, size] = value >= 1e6 ? [' M', 1e6] : value >= 1e4 ? [' k', 1e3] : ['', 1];
  const scaled = value / size;
  const digits = scaled >= 100 || Number.isInteger(scaled) ? 0 : scaled >= 10 ? 1 : 2;
  const text = scaled
    .toFixed(digits)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
  return (unit === '' ? text.replace(/(\d)(?=\d{3}$)/, '$1 ') : text) + unit;
}

/** Steps of 1, 2 or 5, some five of them, from 0 to the first that is not below the highest. */
function linearTicks(highest) {
  const raw = highest / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
  const count = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, n) => n * step);
}

/** Powers of ten, with 2 and 5 between them where there are few. */
function logTicks(lowest, highest) {
  const from = Math.floor(Math.log10(lowest));
  const to = Math.ceil(Math.log10(highest));
  const factors = to - from <= 3 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = from; power <= to; power += 1)
    for (const factor of factors) ticks.push(factor * 10 ** power);
  const first = ticks.findLastIndex((tick) => tick <= lowest);
  const last = ticks.findIndex((tick) => tick >= highest);
  return ticks.slice(first, last + 1);
}

/** A function from values to places between two ends. */
function scale([lowest, highest], [from, to], isLog) {
  const of = isLog ? Math.log10 : (value) => value;
  const span = of(highest) - of(lowest) || 1;
  return (value) => round(from + ((of(value) - of(lowest)) / span) * (to - from));
}

/** The points of a line, each line with a shape of its own. */
function shape(kind, x, y) {
  if (kind % 4 === 0) return `<circle cx="${x}" cy="${y}" r="4"/>`;
  if (kind % 4 === 1) return `<rect x="${round(x - 3.5)}" y="${round(y - 3.5)}" width="7" height="7"/>`;
  if (kind % 4 === 2) return `<path d="M${x} ${round(y - 5)}l4.6 8h-9.2z"/>`;
  return `<path d="M${x} ${round(y - 5)}l5 5l-5 5l-5 -5z"/>`;
}

/** Moves labels apart, from top to bottom, and back up where the last one would be too low. */
function spread(wanted) {
  const order = wanted.map((y, at) => ({ y, at })).sort((one, other) => one.y - other.y);
  let above = Number.NEGATIVE_INFINITY;
  for (const label of order) {
    label.y = Math.max(label.y, above + LABEL_GAP);
    above = label.y;
  }
  let below = AREA.bottom + LABEL_GAP;
  for (const label of order.reverse()) {
    label.y = Math.min(label.y, below - LABEL_GAP);
    below = label.y;
  }
  const places = [];
  for (const { y, at } of order) places[at] = round(y);
  return places;
}

const style = (lines) => {
  const colours = (which) =>
    lines.map((_, n) => `.l${n}{--c:${COLOURS[n % COLOURS.length][which]}}`).join('');
  return [
    'svg{--ground:#ffffff;--ink:#1f2328;--soft:#59636e;--rule:#d1d9e0}',
    colours(0),
    `@media(prefers-color-scheme:dark){svg{--ground:#0d1117;--ink:#f0f6fc;--soft:#9198a1;--rule:#3d444d}${colours(1)}}`,
    'text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}',
    '.title{font-size:17px;font-weight:600}.soft{fill:var(--soft);font-size:12px}',
    '.ground{fill:var(--ground);stroke:var(--rule)}.rule{stroke:var(--rule)}.axis{stroke:var(--soft)}',
    '.line{fill:none;stroke:var(--c);stroke-width:1.8;stroke-linejoin:round}.own{stroke-width:3.4}',
    '.lead{stroke:var(--c);stroke-width:.7;stroke-dasharray:1 3}',
    '.points{fill:var(--c);stroke:var(--ground);stroke-width:1}.name{fill:var(--ink)}.ours{font-weight:600}',
  ].join('');
};

/**
 * @param plot {title, note, x: {label, log?}, y: {label, log?}, lines: [{label, isOwn?, points: [[x, y], …]}]}; each line
 *        has a point at least, in the order of x
 */
export function plotSvg({ title, note, x, y, lines }) {
  const longest = Math.max(...lines.map(({ label }) => label.length));
  const labelX = round(WIDTH - FIGURE - longest * CHARACTER - 12);
  const right = labelX - 26;
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([at]) => at))].sort((one, other) => one - other);
  const ys = points.map(([, value]) => value);
  const yTicks = y.log ? logTicks(Math.min(...ys), Math.max(...ys)) : linearTicks(Math.max(...ys));
  const toX = scale([xs[0], xs.at(-1)], [AREA.left + 16, right - 8], x.log);
  const toY = scale([yTicks[0], yTicks.at(-1)], [AREA.bottom, AREA.top], y.log);
  const ends = lines.map((line) => line.points.at(-1)).map(([at, value]) => [toX(at), toY(value)]);
  const labels = spread(ends.map(([, at]) => at));
  const grid = yTicks.map(
    (tick) =>
      `<path class="rule" d="M${AREA.left} ${toY(tick)}H${right}"/><text class="soft" x="${AREA.left - 8}" y="${round(toY(tick) + 4)}" text-anchor="end">${shortNumber(tick)}</text>`,
  );
  const marks = xs.map(
    (at) =>
      `<path class="axis" d="M${toX(at)} ${AREA.bottom}v5"/><text class="soft" x="${toX(at)}" y="${AREA.bottom + 20}" text-anchor="middle">${shortNumber(at)}</text>`,
  );
  const drawn = lines.map(({ label, isOwn, points: own }, n) => {
    const places = own.map(([at, value]) => [toX(at), toY(value)]);
    const [endX, endY] = ends[n];
    const last = shortNumber(own.at(-1)[1]);
    return [
      `<g class="l${n}">`,
      `<path class="lead" d="M${endX} ${endY}L${labelX - 10} ${labels[n]}"/>`,
      `<path class="line${isOwn ? ' own' : ''}" stroke-dasharray="${isOwn ? '' : DASHES[n % DASHES.length]}" d="M${places.map((place) => place.join(' ')).join('L')}"/>`,
      `<g class="points">${[...places, [labelX - 6, labels[n]]].map(([at, value]) => shape(n, at, value)).join('')}</g>`,
      `<text class="name${isOwn ? ' ours' : ''}" x="${labelX + 6}" y="${round(labels[n] + 4.5)}">${escaped(label)} <tspan class="soft">${last}</tspan></text>`,
      '</g>',
    ].join('');
  });
  const told = lines
    .map(
      ({ label, points: own }) =>
        `${label}: ${own.map(([at, value]) => `${shortNumber(value)} at ${shortNumber(at)}`).join(', ')}`,
    )
    .join('; ');
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title told">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="told">${escaped(`${y.label}, by ${x.label}. ${told}.`)}</desc>`,
    `<style>${style(lines)}</style>`,
    `<rect class="ground" x=".5" y=".5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="6"/>`,
    `<text class="title" x="20" y="30">${escaped(title)}</text>`,
    `<text class="soft" x="20" y="51">${escaped(y.label)}${y.log ? ' (logarithmic)' : ''}</text>`,
    ...grid,
    `<path class="axis" d="M${AREA.left} ${AREA.bottom}H${right}"/>`,
    ...marks,
    `<text class="soft" x="${(AREA.left + right) / 2}" y="${AREA.bottom + 42}" text-anchor="middle">${escaped(x.label)}${x.log ? ' (logarithmic)' : ''}</text>`,
    `<text class="soft" x="${WIDTH - 20}" y="${HEIGHT - 12}" text-anchor="end">${escaped(note)}</text>`,
    ...drawn,
    '</svg>',
  ].join('\n')}\n`;
}
