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

/** A loss or another plain measure: 2.3104 → "2.3104", 0 → "0", 0.000012 → "1.2e-5" */
export const measure = present((value) => {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.001 || size >= 1e6) return Number(value).toExponential(2).replace(/\.?0+e/, "e");
  return size >= 100 ? counts.format(value) : Number(value).toFixed(4);
});

/** 3725 s → "1 h 2 min"; 65 → "1 min 5 s"; 60 → "1 min" */
export const duration = present((value) => {
  const seconds = Math.max(0, Math.round(value));
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return joined([minutes, "min"], [seconds % 60, "s"]);
  return days === 0 ? joined([hours, "h"], [minutes % 60, "min"]) : joined([days, "d"], [hours % 24, "h"]);
});

const joined = (...parts) => parts.flatMap(([amount, unit]) => (amount ? [`${amount} ${unit}`] : [])).join(" ");

/** An ISO time as a day and a minute on the reader's clock. */
export const moment = present((value) => moments.format(new Date(value)));

/** An ISO time as hours and minutes on the reader's clock. */
export const hour = present((value) => clock.format(new Date(value)));

/** An ISO time to come: hours and minutes, with the day where that is not within the next twenty hours. */
export const soon = present((value) => (new Date(value) - Date.now() < 20 * 3_600_000 ? hour(value) : moment(value)));

/** 1536 → "1.5 kB" */
export const bytes = present((value) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
});

/** 12.34 → "12.3 GiB" */
export const gibibytes = present((value) => `${Number(value).toFixed(1)} GiB`);

/** queued_on_gpu → "Queued on GPU" */
export const words = present((value) => {
  const text = String(value).replaceAll("_", " ").replace(/\bgpu\b/, "GPU");
  return text.charAt(0).toUpperCase() + text.slice(1);
});
