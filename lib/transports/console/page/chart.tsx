/** Lines over the last five minutes, drawn by uPlot; what they show is told in words as well. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Line {
  readonly label: string;
  /** A colour of the style sheet's. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

const HEIGHT = 120;
const SECONDS = 300;

const clock = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });

export function Chart(props: {
  readonly title: string;
  readonly seconds: readonly number[];
  readonly lines: readonly Line[];
  readonly text: (value: number) => string;
  /** Between what may be marked on the scale. Default: decimal ones. */
  readonly steps?: readonly number[];
}) {
  const { title, seconds, lines, text, steps } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = lines.map(
    ({ label, values }) => `${label} ${text(values.findLast((value) => value !== null) ?? 0)}`,
  );
  const scheme = getComputedStyle(document.documentElement).colorScheme;

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(name);
    // Registered as colours in the style sheet, so that light-dark() is settled here.
    const [ink, grid] = [colour('--chart-ink'), colour('--chart-grid')];
    const axis = {
      stroke: ink,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      font: '11px system-ui',
    };
    plot.current = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: true, range: (_self, _min, max) => [(max ?? 0) - SECONDS, max ?? 0] },
          y: { range: (_self, _min, max) => [0, max > 0 ? max * 1.15 : 1] },
        },
        padding: [6, 12, 0, 0],
        axes: [
          { ...axis, size: 26, space: 70, values: (_self, splits) => splits.map(clock) },
          {
            ...axis,
            size: 58,
            values: (_self, splits) => splits.map(text),
            ...(steps ? { incrs: [...steps] } : {}),
          },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: 1.75,
            spanGaps: true,
            points: { show: line.values.some((value) => value === null), size: 4 },
          })),
        ],
      },
      [[], ...lines.map(() => [])],
      element,
    );
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [lines.length, scheme]);

  useEffect(() => {
    plot.current?.setData([[...seconds], ...lines.map(({ values }) => [...values])]);
  }, [seconds, scheme]);

  return (
    <figure class="card chart">
      <figcaption>
        <span>{title}</span>
        <span class="legend">
          {latest.map((one, at) => (
            <span key={one.split(' ')[0]}>
              <span class="swatch" style={{ background: `var(${lines[at]?.colour})` }} aria-hidden="true" />
              {one}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={box} role="img" aria-label={`${title}, last five minutes; now ${latest.join(', ')}`} />
    </figure>
  );
}
