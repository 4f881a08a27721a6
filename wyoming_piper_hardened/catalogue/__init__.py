"""The voices that the repository offers: names, languages, files, digests."""
