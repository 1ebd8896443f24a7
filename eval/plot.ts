/**
 * Curves over image tokens or time as one SVG, drawn by ECharts without a browser. Independent of settings and
 * questions.
 */
import * as echarts from "echarts";
import type { Estimate } from "./statistics.ts";

export interface Curve {
  name: string;
  points: { x: number; estimate: Estimate }[];
}

/** The horizontal axis of a panel. */
export type Axis = "image tokens" | "seconds an answer";

export interface Panel {
  title: string;
  /** Default: image tokens. */
  axis?: Axis;
  curves: Curve[];
}

/** The palette of Okabe and Ito, which colour-blind readers can distinguish. */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const WIDTH = 560;
const HEIGHT = 380;
const MARGIN = { left: 60, right: 24, top: 64, bottom: 52 };
const FONT = "system-ui, sans-serif";

/** An ECharts option as a picture on white. */
export function drawSvg(width: number, height: number, option: object): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, backgroundColor: "#ffffff", textStyle: { fontFamily: FONT }, ...option });
    return chart.renderToSVGString();
  } finally {
    // Its timer would keep the process alive.
    chart.dispose();
  }
}

/**
 * Draws panels in rows of two, all with a percent axis; curves of one name share a colour. Bars are one standard error.
 */
export function plot(panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(({ curves }) => curves.map(({ name }) => name)))];
  const width = WIDTH * Math.min(2, panels.length);
  const height = HEIGHT * Math.ceil(panels.length / 2) + 40;
  return drawSvg(width, height, {
    color: COLOURS,
    legend: { data: names, bottom: 8, itemGap: 18 },
    title: panels.map(({ title }, i) => ({
      text: title,
      left: (i % 2) * WIDTH + MARGIN.left,
      top: Math.floor(i / 2) * HEIGHT + 18,
      textStyle: { fontSize: 14, fontFamily: FONT },
    })),
    grid: panels.map((_, i) => ({
      left: (i % 2) * WIDTH + MARGIN.left,
      top: Math.floor(i / 2) * HEIGHT + MARGIN.top,
      width: WIDTH - MARGIN.left - MARGIN.right,
      height: HEIGHT - MARGIN.top - MARGIN.bottom,
    })),
    xAxis: panels.map((panel, gridIndex) => ({
      ...(panel.axis === "seconds an answer" ? timeAxis() : tokenAxis(panel)),
      gridIndex,
    })),
    yAxis: panels.map((panel, gridIndex) => ({ ...percentAxis(panel), gridIndex })),
    series: panels.flatMap(({ curves, axis }, i) =>
      curves.flatMap((curve) => seriesOf(inOrder(curve, axis), i, names.indexOf(curve.name))),
    ),
  });
}

/** A logarithmic axis to base 2, because budgets are halved. */
function tokenAxis({ curves }: Panel): object {
  const tokens = curves.flatMap(({ points }) => points.map((point) => point.x));
  const least = Math.floor(Math.log2(Math.min(...tokens)));
  return {
    type: "log",
    logBase: 2,
    min: 2 ** least,
    max: 2 ** Math.max(least + 1, Math.ceil(Math.log2(Math.max(...tokens)))),
    name: "image tokens",
    nameLocation: "middle",
    nameGap: 28,
  };
}

function timeAxis(): object {
  return { type: "value", min: 0, name: "seconds an answer", nameLocation: "middle", nameGap: 28 };
}

/** From the multiple of ten below all values and error bars to the one above. */
function percentAxis({ curves }: Panel): object {
  const ends = curves.flatMap(({ points }) =>
    points.flatMap(({ estimate: { mean, error } }) => [mean - (error || 0), mean + (error || 0)]),
  );
  // The axis begins at 90 at the latest, even if all values are 100 %.
  const min = Math.min(90, Math.max(0, Math.floor(10 * Math.min(...ends)) * 10));
  return {
    type: "value",
    min,
    max: Math.max(min + 10, Math.min(100, Math.ceil(10 * Math.max(...ends)) * 10)),
    axisLabel: { formatter: "{value} %" },
  };
}

/** Times of neighbouring budgets may cross, so lines over time follow the order of budgets, not the axis. */
function inOrder({ name, points }: Curve, axis: Axis = "image tokens"): Curve {
  return { name, points: axis === "image tokens" ? [...points].sort((a, b) => a.x - b.x) : points };
}

function seriesOf({ name, points }: Curve, axisIndex: number, colour: number): object[] {
  const color = COLOURS[colour % COLOURS.length];
  const shared = { name, xAxisIndex: axisIndex, yAxisIndex: axisIndex, itemStyle: { color } };
  return [
    {
      ...shared,
      type: "line",
      symbol: "circle",
      symbolSize: 7,
      lineStyle: { color, width: 2 },
      data: points.map(({ x, estimate }) => [x, 100 * estimate.mean]),
    },
    {
      ...shared,
      type: "custom",
      data: points
        .filter(({ estimate }) => !Number.isNaN(estimate.error))
        .map(({ x, estimate: { mean, error } }) => [
          x,
          100 * Math.max(0, mean - error),
          100 * Math.min(1, mean + error),
        ]),
      renderItem: (_: unknown, api: BarApi) => errorBar(api, color),
    },
  ];
}

/** The argument of a custom series for each of its points. */
interface BarApi {
  value(dimension: number): number;
  coord(point: [number, number]): [number, number];
}

function errorBar(api: BarApi, stroke: string | undefined): object {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const [, high] = api.coord([api.value(0), api.value(2)]);
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: "line",
    shape: { x1, y1, x2, y2 },
    style: { stroke, lineWidth: 1.2 },
  });
  return {
    type: "group",
    children: [line(x, low, x, high), line(x - 4, low, x + 4, low), line(x - 4, high, x + 4, high)],
  };
}
