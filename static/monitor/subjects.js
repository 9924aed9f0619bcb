// Which charts the monitor has, and which lines stand in each; their names are those of the API's files.
// Pictures have the same ones (jobs/charts/subjects.py).

import { count, gibibytes, measure, percent } from "../format.js";

const tall = (width) => Math.round(Math.min(420, Math.max(240, width * 0.32)));
const rate = (value) => `${count(value)}/s`;

export const SUBJECTS = {
  loss: {
    title: "Loss",
    write: measure,
    height: tall,
    canLog: true,
    lines: [
      { metric: "training_loss", label: "Training", color: "--training", smooth: true },
      { metric: "validation_loss", label: "Validation", color: "--validation", dash: [7, 5], markers: true },
    ],
  },
  "learning-rate": {
    title: "Learning rate",
    write: measure,
    lines: [{ metric: "learning_rate", label: "Learning rate", color: "--rate" }],
  },
  "gradient-norm": {
    title: "Gradient norm",
    write: measure,
    canLog: true,
    lines: [{ metric: "gradient_norm", label: "Gradient norm", color: "--rate", smooth: true }],
  },
  throughput: {
    title: "Throughput",
    write: rate,
    lines: [{ metric: "throughput", label: "Tokens", color: "--utilization", smooth: true }],
  },
  "gpu-utilization": {
    title: "GPU utilization",
    write: percent,
    range: [0, 100],
    lines: [{ metric: "gpu_utilization", label: "GPU utilization", color: "--utilization", fill: true, smooth: true }],
  },
  "gpu-memory": {
    title: "GPU memory",
    write: gibibytes,
    lines: [{ metric: "gpu_memory", label: "GPU memory", color: "--utilization", fill: true }],
  },
};

/** A chart's title within a sentence. */
export const nounOf = ({ title }) => title.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
