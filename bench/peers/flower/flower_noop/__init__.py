"""Flower's side of `npm run bench -- live --only flower`."""
