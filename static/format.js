// Values as people read them. Whatever is absent is "—"; 0 is a value and stays 0.

export const ABSENT = "—";

const counts = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const moments = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

const present = (write) => (value) => (value === null || value === undefined || value === "" ? ABSENT : write(value));

/** 12345 → "12,345" */
export const count = present((value) => counts.format(value));

/** 4.2 → "$4.20" */
export const dollars = present((value) => money.format(value));

/** 5.23 → "5.2%" */
export const percent = present((value) => `${Number(value).toFixed(1)}%`);

/** A loss or another plain measure: 2.3104 → "2.3104", 0 → "0", 0.000012 → "1.20e-5" */
export const measure = present((value) => {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.001 || size >= 1e6) return Number(value).toExponential(2);
  return size >= 100 ? counts.format(value) : Number(value).toFixed(4);
});

/** 3725 s → "1 h 2 min"; 65 → "1 min 5 s"; 9 → "9 s" */
export const duration = present((value) => {
  const seconds = Math.max(0, Math.round(value));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
});

/** An ISO time as a day and a minute on the reader's clock. */
export const moment = present((value) => moments.format(new Date(value)));

/** An ISO time as hours and minutes on the reader's clock. */
export const hour = present((value) => clock.format(new Date(value)));

/** 1536 → "1.5 kB" */
export const bytes = present((value) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
});

/** model_loading → "Model loading" */
export const words = present((value) => {
  const text = String(value).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
});
