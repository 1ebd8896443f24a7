/** Bars for the targets: speedup over the peer, and share of the plain reference kernels. */
import { COLOURS, drawSvg } from "../eval/plot.ts";
import type { Figure } from "./parts/result.ts";

const WIDTH = 900;
const BAR_HEIGHT = 30;
const PANEL_EDGE = 96;
const LABEL_WIDTH = 380;

interface Panel {
  title: string;
  bars: Figure[];
  /** Value of the target's line. */
  line: number;
  unit: string;
  log: boolean;
}

/** Plots all figures that are ratios, as SVG; panels without a figure are left out. */
export function plotFigures(figures: ReadonlyMap<string, Figure>, software: boolean): string {
  const all = [...figures.values()];
  const panels: Panel[] = [
    {
      title: "Times faster than onnxruntime-web, same weights, same browser",
      bars: all.filter(({ id, unit }) => id.startsWith("compare.") && unit === "x"),
      ...{ line: software ? 10 : 2, unit: "x", log: true },
    },
    {
      title: "Share of a plain copy or the best plain matmul, %",
      bars: all.filter(({ id, unit }) => id.endsWith(".share") && unit === "%" && !/^(cost|memory)\./.test(id)),
      ...{ line: 70, unit: "%", log: false },
    },
  ].filter(({ bars }) => bars.length > 0);
  const heights = panels.map(({ bars }) => bars.length * BAR_HEIGHT + PANEL_EDGE);
  const tops = heights.map((_, i) => heights.slice(0, i).reduce((a, b) => a + b, 0));
  const height = Math.max(
    60,
    heights.reduce((a, b) => a + b, 0),
  );
  return drawSvg(WIDTH, height, {
    title: panels.map(({ title }, i) => ({ text: title, left: 16, top: tops[i]! + 14, textStyle: { fontSize: 14 } })),
    grid: panels.map(({ bars }, i) => ({
      ...{ left: LABEL_WIDTH, top: tops[i]! + 48, width: WIDTH - LABEL_WIDTH - 80, height: bars.length * BAR_HEIGHT },
    })),
    xAxis: panels.map(({ log, bars }, gridIndex) =>
      log
        ? { type: "log", gridIndex, min: Math.min(0.01, ...bars.map(({ value }) => value)) }
        : { type: "value", gridIndex },
    ),
    yAxis: panels.map(({ bars }, gridIndex) => ({
      ...{ type: "category", gridIndex, inverse: true, data: bars.map(({ what }) => what) },
      axisLabel: { width: LABEL_WIDTH - 24, overflow: "break", fontSize: 11 },
    })),
    series: panels.map(({ bars, line, unit }, i) => ({
      ...{ type: "bar", xAxisIndex: i, yAxisIndex: i, data: bars.map(({ value }) => value), barWidth: 14 },
      itemStyle: { color: COLOURS[0] },
      label: {
        show: true,
        position: "right",
        formatter: ({ value }: { value: number }) => `${value.toPrecision(2)} ${unit}`,
      },
      markLine: {
        ...{ silent: true, symbol: "none", data: [{ xAxis: line }], lineStyle: { color: COLOURS[1], type: "dashed" } },
        label: { formatter: `target: ${line} ${unit}`, position: "start" },
      },
    })),
  });
}
