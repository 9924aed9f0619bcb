"""Pages of datasets: the list with its form to upload, the browser of what can be imported, one dataset.

They render rows; scripts in static/datasets/ talk to the API and, for uploads, straight to storage, which a page's
security policy has to allow. The import browser alone asks storage while the page is made.
"""
