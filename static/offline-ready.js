// Has the browser keep the page for times without a connection (lora_pipeline/offline.py), when all else is loaded.
// Where there are no service workers, on plain HTTP or in a private window, its own error page does.

addEventListener("load", () => navigator.serviceWorker?.register("/service-worker.js").catch(() => {}));
