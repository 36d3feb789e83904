/** What the benchmark publishes: pages and plots say what the recorded run says, and nothing else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { page, ROOT } from './pages.ts';

type Report = { workloads: Record<string, { plots?: { name: string }[]; rows: object[] }> };

/** The benchmark's modules are no part of the build. */
const ofBench = (path: string) => import(pathToFileURL(join(ROOT, 'test/bench', path)).href);

/** What is no XML: the first tag that does not close what is open, or a character that should be written as an entity. */
function faultOf(xml: string): string | undefined {
  const open: string[] = [];
  const rest = xml.replace(
    /<(\/?)([a-zA-Z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>/g,
    (tag, isEnd, name, _, isEmpty) => {
      if (isEnd) return open.pop() === name ? '' : `<${tag}`;
      if (!isEmpty) open.push(name);
      return '';
    },
  );
  const stray = /[<]|&(?!(?:amp|lt|gt|quot);)/.exec(rest);
  if (stray) return rest.slice(stray.index, stray.index + 40);
  return open.length > 0 ? `<${open.join('> <')}> is not closed` : undefined;
}

const plot = {
  title: 'Calls <by> "connections" & more',
  note: 'a note',
  x: { label: 'connections', log: true },
  y: { label: 'calls a second' },
  lines: [
    {
      label: 'ours & <more>',
      isOwn: true,
      points: [
        [32, 26_700],
        [2_000, 24_000],
      ],
    },
    { label: 'another', points: [[32, 8_100]] },
    {
      label: 'a third',
      points: [
        [32, 8_000],
        [2_000, 23_900],
      ],
    },
  ],
};

describe('the published figures', () => {
  let report: Report;
  let pages: Map<string, string>;

  before(async () => {
    const { pagesOf, recorded } = await ofBench('pages/publish.mjs');
    report = recorded();
    pages = pagesOf(report);
  });

  it('are on the pages as they were recorded', () => {
    for (const [path, text] of pages)
      expect(
        readFileSync(join(ROOT, path), 'utf8'),
        `${path}: run node test/bench/pages/publish.mjs`,
      ).to.equal(text);
  });

  it('are drawn, each plot where docs/performance.md shows it', () => {
    const drawn = [...pages.keys()].filter((path) => path.endsWith('.svg'));
    const shown = [
      ...page('docs/performance.md').text.matchAll(/!\[[^\]]+\]\((performance\/[\w-]+\.svg)\)/g),
    ];
    expect(shown.map(([, path]) => `docs/${path}`)).to.have.members(drawn);
    const kept = existsSync(join(ROOT, 'docs/performance'))
      ? readdirSync(join(ROOT, 'docs/performance'))
      : [];
    expect(kept.map((name) => `docs/performance/${name}`)).to.have.members(drawn);
  });

  it('are drawn as well-formed SVG', () => {
    for (const [path, text] of pages)
      if (path.endsWith('.svg')) expect(faultOf(text), path).to.equal(undefined);
  });
});

describe('a plot', () => {
  it('is well-formed, whatever its words', async () => {
    const { plotSvg } = await ofBench('pages/svg-plot.mjs');
    const text: string = plotSvg(plot);
    expect(faultOf(text)).to.equal(undefined);
    expect(text).to.include('<title id="title">Calls &lt;by&gt; &quot;connections&quot; &amp; more</title>');
  });

  it('has a line for each server and names it; ours stands out', async () => {
    const { plotSvg } = await ofBench('pages/svg-plot.mjs');
    const text: string = plotSvg(plot);
    expect([...text.matchAll(/class="line/g)]).to.have.length(3);
    expect([...text.matchAll(/class="line own"/g)]).to.have.length(1);
    for (const label of ['ours &amp; &lt;more&gt;', 'another', 'a third'])
      expect(text).to.include(`>${label} <`);
  });

  it('keeps the labels of lines that end together apart', async () => {
    const { plotSvg } = await ofBench('pages/svg-plot.mjs');
    const places = [...(plotSvg(plot) as string).matchAll(/class="name[^"]*" x="[\d.]+" y="([\d.]+)"/g)]
      .map(([, y]) => Number(y))
      .sort((one, other) => one - other);
    const gaps = places.slice(1).map((y, n) => y - (places[n] ?? 0));
    expect(Math.min(...gaps)).to.be.at.least(18);
  });

  it('has room below its axis for nothing: values lie between its ends, logarithmic or not', async () => {
    const { plotSvg } = await ofBench('pages/svg-plot.mjs');
    for (const log of [false, true]) {
      const text: string = plotSvg({ ...plot, y: { ...plot.y, log } });
      const places = [...text.matchAll(/<path class="line[^"]*"[^>]* d="M([^"]+)"/g)].flatMap(([, d = '']) =>
        d.split('L').map((point) => Number(point.split(' ')[1])),
      );
      expect(places).to.have.length(5);
      for (const y of places) expect(y).to.be.within(70, 366);
    }
  });

  it('writes numbers short, as an axis has room for them', async () => {
    const { shortNumber } = await ofBench('pages/svg-plot.mjs');
    const told = [0, 0.5, 12.25, 250, 5_000, 26_700, 100_000, 1_369_692].map(shortNumber);
    expect(told).to.deep.equal(['0', '0.5', '12.3', '250', '5 000', '26.7 k', '100 k', '1.37 M']);
  });
});

describe('the targets of a run', () => {
  const rows = [
    { id: 'ours', label: 'ours', medians: { perSecond: 800, p99Ms: 9 } },
    { id: 'bare', label: 'bare', medians: { perSecond: 1_000, p99Ms: 2 } },
    { id: 'gone', label: 'gone', absent: 'it ended at once' },
  ];
  const judged = async (target: object) => {
    const { judge } = await ofBench('harness/report.mjs');
    return judge({ columns: ['perSecond'], targets: [target] }, rows)[0];
  };

  it('are quotients of one figure, met or missed', async () => {
    expect(
      await judged({ than: 'bare', field: 'perSecond', atLeast: 0.8, text: 'echo, of bare' }),
    ).to.deep.equal({
      text: 'echo, of bare ≥ 0.8',
      got: 0.8,
      met: true,
    });
    expect(await judged({ than: 'bare', field: 'p99Ms', atMost: 3 })).to.include({ got: 4.5, met: false });
  });

  it('are beside the smaller of the ideal and the other', async () => {
    const target = { than: 'bare', field: 'perSecond', ideal: 400, atLeast: 1.5 };
    expect(await judged(target)).to.include({ got: 2, met: true });
    expect(await judged({ ...target, ideal: 4_000 })).to.include({ got: 0.8, met: false });
  });

  it('are neither where a server was absent', async () => {
    expect(await judged({ than: 'gone', field: 'perSecond', atLeast: 1 })).to.include({
      got: undefined,
      met: null,
    });
    expect(await judged({ of: 'gone', field: 'perSecond', atLeast: 1 })).to.include({ met: null });
  });

  it('stand in one table, with those that were missed told apart', async () => {
    const { targetsTable } = await ofBench('harness/report.mjs');
    const target = { text: 'a | b ≥ 2', got: 1, met: false };
    const text: string = targetsTable({ echo: { targets: [target] }, none: {} });
    expect(text.split('\n')).to.have.length(3);
    expect(text).to.match(/a \/ b ≥ 2\s+\|\s+echo \|\s+1\.00 \| MISSED/);
  });
});
