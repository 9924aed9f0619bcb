// Shows a page of ours where none came, because the network or the server is away, in place of the browser's own.
//
// Pages are asked for as without it and shown as they come, errors of the server's included. It answers for nothing
// else: not for the API and what is downloaded there, not for static files, and not for forms that are sent: browsers
// ask before they send one again, and other sites' forms would come with our cookies if they came through here. Kept is
// nothing that is anybody's: one page that is the same for all, and the files that it needs (lora_pipeline/offline.py).

const KEPT_IN = "offline-{{ version }}";
const PAGE = "{% url 'offline' %}";
const FILES = [{% for file in files %}"{{ file }}"{% if not forloop.last %}, {% endif %}{% endfor %}];
const MARK = "{{ mark }}";

addEventListener("install", (event) => {
  skipWaiting(); // open pages do not notice: it answers for none of their requests
  event.waitUntil(keep());
});

addEventListener("activate", (event) => event.waitUntil(forget()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, search } = new URL(request.url);
  if (request.mode === "navigate") {
    const isPage = !/^\/(api|static)\//.test(pathname) || pathname === "{% url 'api-docs' %}";
    if (isPage && request.method === "GET") event.respondWith(visit(request));
  } else if (search === MARK) {
    event.respondWith(kept(request).then((answer) => answer ?? fetch(request)));
  }
});

async function visit(request) {
  try {
    return await fetch(request);
  } catch {
    return (await kept(PAGE)) ?? Response.error();
  }
}

async function kept(request) {
  return (await caches.open(KEPT_IN)).match(request);
}

/** The files are those of every page, so that the browser has them already and hardly fetches anything. */
async function keep() {
  const cache = await caches.open(KEPT_IN);
  const put = async (address, question) => {
    const answer = await fetch(question);
    if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
    await cache.put(address, answer);
  };
  await put(PAGE, new Request(PAGE, { redirect: "error" })); // to a proxy's log-in, say
  await Promise.all(FILES.map((file) => put(file + MARK, file)));
}

/** What older releases have kept. */
async function forget() {
  for (const name of await caches.keys()) if (name !== KEPT_IN) await caches.delete(name);
}
