"""Base models made ready in a folder: from a hub, a folder, downloaded files, or a package's GGUF file."""
