// The form's request for other programs: as a curl command, as a Python program, and its body alone.

import { newKey } from "../api.js";
import { request } from "./form.js";

const TOKEN = "LORA_TOKEN";

// A key belongs to one request: another body gets another one.
let [key, written] = ["", ""];

/** Writes all of them anew. */
export function showCalls() {
  const body = request();
  if (JSON.stringify(body) === written) return;
  [key, written] = [newKey(), JSON.stringify(body)];
  const texts = { curl: curl(body), python: python(body), json: JSON.stringify(body, null, 2) };
  for (const [name, text] of Object.entries(texts)) {
    document.getElementById(`call-${name}`).textContent = text;
    document.getElementById(`copy-${name}`).dataset.copy = text;
  }
}

const address = () => `${location.origin}/api/jobs`;

function curl(body) {
  return [
    `curl --fail-with-body ${address()} \\`,
    `  -H "Authorization: Bearer $${TOKEN}" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -H "Idempotency-Key: ${key}" \\`,
    `  -d ${quoted(JSON.stringify(body, null, 2))}`,
  ].join("\n");
}

function python(body) {
  return `import os

import requests

answer = requests.post(
    ${JSON.stringify(address())},
    headers={
        "Authorization": f"Bearer {os.environ['${TOKEN}']}",
        "Idempotency-Key": "${key}",
    },
    json=${literal(body, 1)},
    timeout=30,
)
answer.raise_for_status()
print(answer.json()["data"]["job"]["id"])`;
}

/** For a POSIX shell: everything stands for itself between single quotes, but they themselves. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A JSON value as Python writes it. */
function literal(value, depth) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return "{}";
  const indent = "    ".repeat(depth + 1);
  const lines = entries.map(([name, inner]) => `${indent}${JSON.stringify(name)}: ${literal(inner, depth + 1)},`);
  return `{\n${lines.join("\n")}\n${"    ".repeat(depth)}}`;
}
